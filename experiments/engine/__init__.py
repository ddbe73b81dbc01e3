"""What runs declared questions, and decides, records and replays them."""
