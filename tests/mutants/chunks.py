"""Mistakes in training on chunks, and in what chunks are read from, that the tests must reject."""

from runner import Mutant

CHUNKS = "recsys_lib/training/chunks.py"
SOURCES = "recsys_lib/data/chunks.py"
FOLDER = "recsys_pipeline/chunks/folder.py"
PARQUET = "recsys_pipeline/chunks/parquet.py"
TRAINING = "training/test_training_chunks.py"
RESUMING = "training/test_resuming_chunks.py"
READING = "training/test_reading_chunks.py"
DATA = "data/test_chunks.py"
TEST_PARQUET = "data/test_parquet_chunks.py"
STATED = f"{TRAINING}::test_chunks_train_on_the_batches_of_the_stated_order"
ONCE = f"{TRAINING}::test_an_epoch_reads_every_row_once_in_full_batches"
OTHERWISE = f"{TRAINING}::test_chunks_come_in_another_order_in_each_epoch_and_so_do_their_rows"
STOPPED = f"{RESUMING}::test_a_run_stopped_in_the_middle_of_a_chunk_goes_on_to_the_same_bits"
AHEAD = f"{READING}::test_the_next_chunk_is_read_while_one_is_used_and_no_other"
CHECKED = f"{READING}::test_a_chunk_is_checked_before_one_of_its_rows_is_used"
OTHERS = f"{RESUMING}::test_a_checkpoint_of_other_chunks_is_refused"
OFTEN = f"{RESUMING}::test_a_checkpoint_is_written_as_often_as_is_asked_for"
MASKED = f"{TRAINING}::test_masks_are_read_with_the_rows"
SCORED = f"{READING}::test_scores_of_chunks_are_those_of_the_rows"

MUTANTS = [
    Mutant(
        "chunks: rows that a chunk has left are dropped",
        CHUNKS,
        "        left = rows[num_steps * self.batch_size :]\n",
        "        left = rows[:0]\n",
        (ONCE, STATED),
    ),
    Mutant(
        "chunks: a chunk ends with a smaller batch",
        CHUNKS,
        "        if place == len(self.ends) - 1:\n",
        "        if True:\n",
        ONCE,
    ),
    Mutant(
        "chunks: the last batch of an epoch is dropped",
        CHUNKS,
        "            num_steps = -(-len(rows) // self.batch_size)\n",
        "            num_steps = len(rows) // self.batch_size\n",
        ONCE,
    ),
    Mutant(
        "chunks: what is carried over comes last",
        CHUNKS,
        "np.concatenate([np.arange(num_carried, dtype=np.int32), rows + num_carried])",
        "np.concatenate([rows + num_carried, np.arange(num_carried, dtype=np.int32)])",
        STATED,
    ),
    Mutant(
        "chunks: the same order of chunks in every epoch",
        CHUNKS,
        "order_of(seed, epoch, len(sizes), len(sizes))",
        "order_of(seed, 0, len(sizes), len(sizes))",
        OTHERWISE,
    ),
    Mutant(
        "chunks: rows stay in the order of the file",
        CHUNKS,
        "order_of(self.seed, self.epoch, size, chunk)",
        "np.arange(size, dtype=np.int32)",
        OTHERWISE,
    ),
    Mutant(
        "chunks: all chunks are shuffled alike",
        CHUNKS,
        "order_of(self.seed, self.epoch, size, chunk)",
        "order_of(self.seed, self.epoch, size, 0)",
        (OTHERWISE, STATED),
    ),
    Mutant(
        "chunks: a resumed run begins its chunk anew",
        CHUNKS,
        "rows, first = rows[self.begin - before :], self.begin // self.batch_size",
        "rows, first = rows, self.begin // self.batch_size",
        STOPPED,
    ),
    Mutant(
        "chunks: a resumed run reads all chunks again",
        CHUNKS,
        'place = int(np.searchsorted(ends, step * batch_size, side="right"))',
        "place = 0",
        (
            STOPPED,
            f"{RESUMING}::test_a_run_that_goes_on_reads_only_the_chunks_that_are_left",
        ),
    ),
    Mutant(
        "chunks: nothing is read ahead",
        CHUNKS,
        "            ready, coming = coming, pool.submit(load, item)\n"
        "            if ready is not None:\n"
        "                yield ready.result()\n",
        "            yield pool.submit(load, item).result()\n",
        AHEAD,
    ),
    Mutant(
        "chunks: everything is read ahead",
        CHUNKS,
        "        for item in items:\n            ready, coming",
        "        submitted = [pool.submit(load, item) for item in items]\n"
        "        yield from (one.result() for one in submitted)\n"
        "        for item in ():\n            ready, coming",
        AHEAD,
    ),
    Mutant(
        "chunks: features go in unchecked",
        CHUNKS,
        "        if chunk not in self._checked:\n",
        "        if False:\n",
        CHECKED,
    ),
    Mutant(
        "chunks: rows to predict are not checked",
        CHUNKS,
        "        check_chunk(chunks, number, split, columns, where)\n",
        "",
        CHECKED,
    ),
    Mutant(
        "chunks: predictions overwrite each other",
        CHUNKS,
        "        start = stop\n",
        "        stop = start\n",
        SCORED,
    ),
    Mutant(
        "chunks: masked rows count",
        CHUNKS,
        "int(masks[task].sum()) if task in masks else self.num_rows for task in tasks",
        "self.num_rows for task in tasks",
        MASKED,
    ),
    Mutant(
        "chunks: calls end where the last one plus a stride does",
        CHUNKS,
        "(step // stride + 1) * stride",
        "step + stride",
        OFTEN,
    ),
    Mutant(
        "chunks: a checkpoint whenever a call ends",
        "recsys_lib/training/trainer.py",
        "is_due = checkpoint_steps and last % checkpoint_steps == 0",
        "is_due = checkpoint_steps",
        OFTEN,
    ),
    Mutant(
        "checkpoints: other chunks go on",
        "recsys_lib/training/run.py",
        '            "sizes of the chunks": training.sizes,\n',
        "",
        OTHERS,
    ),
    Mutant(
        "chunks: all data have one digest",
        CHUNKS,
        "        return self.chunks.digest()\n",
        '        return ""\n',
        OTHERS,
    ),
    Mutant(
        "chunks: labels do not count in the digest",
        SOURCES,
        'for kind in ("features", "labels", "label_masks"):',
        'for kind in ("features", "label_masks"):',
        (OTHERS, f"{DATA}::test_the_digest_is_that_of_all_values"),
    ),
    Mutant(
        "chunks: pieces overlap",
        SOURCES,
        "rows = slice(self._starts[number], self._starts[number + 1])",
        "rows = slice(self._starts[number], self._starts[number + 1] + 1)",
        f"{DATA}::test_pieces_are_consecutive_and_make_up_the_split",
    ),
    Mutant(
        "chunks: labels go in unchecked",
        SOURCES,
        "            check_rows(self.tasks, rows, len(split), split_name)\n",
        "",
        f"{DATA}::test_labels_are_checked_when_the_data_set_is_made",
    ),
    Mutant(
        "chunks: a chunk with too few rows passes",
        SOURCES,
        "    if num_rows != chunks.sizes[number]:\n",
        "    if False:\n",
        f"{READING}::test_a_source_that_reads_other_rows_than_it_says_is_refused",
    ),
    Mutant(
        "folder: the header is that of the first chunk",
        FOLDER,
        "        self._file.seek(0)\n        self._write_header()\n",
        "",
        f"{DATA}::test_a_folder_gives_back_what_was_written_chunk_by_chunk",
    ),
    Mutant(
        "folder: a leak is written",
        FOLDER,
        "        check_as_of(where, split)\n",
        "",
        f"{DATA}::test_a_chunk_is_checked_before_it_is_written",
    ),
    Mutant(
        "folder: what failed is kept",
        FOLDER,
        "            if kind is None:\n",
        "            kind = None\n            if kind is None:\n",
        f"{DATA}::test_a_folder_that_was_not_finished_is_no_data_set",
    ),
    Mutant(
        "parquet: padding in front",
        PARQUET,
        "matrix[np.arange(width) < lengths[:, None]] = flat",
        "matrix[np.arange(width) >= width - lengths[:, None]] = flat",
        f"{TEST_PARQUET}::test_lists_are_padded_behind",
    ),
    Mutant(
        "parquet: a missing label is 0",
        PARQUET,
        "                if is_masked\n",
        "                if False\n",
        f"{TEST_PARQUET}::test_a_null_label_is_none_in_all_chunks_where_any_is_missing",
    ),
    Mutant(
        "parquet: the last file decides what is missing",
        PARQUET,
        "self._is_masked[task] |= nulls > 0",
        "self._is_masked[task] = nulls > 0",
        f"{TEST_PARQUET}::test_a_label_that_one_file_lacks_is_masked_in_all",
    ),
    Mutant(
        "parquet: rows are numbered in each chunk anew",
        PARQUET,
        "np.arange(first, first + num_rows)",
        "np.arange(num_rows)",
        f"{TEST_PARQUET}::test_only_named_columns_are_read",
    ),
    Mutant(
        "parquet: one row group after another, however small",
        PARQUET,
        "if not sizes or sizes[-1] >= at_least:",
        "if True:",
        f"{TEST_PARQUET}::test_small_row_groups_are_read_together_over_files_too",
    ),
    Mutant(
        "parquet: zeros inside a list are padding",
        PARQUET,
        "kept = np.cumsum((values != 0)[:, ::-1], axis=1)[:, ::-1] > 0",
        "kept = values != 0",
        f"{TEST_PARQUET}::test_a_0_between_two_ids_stays_there",
    ),
]
