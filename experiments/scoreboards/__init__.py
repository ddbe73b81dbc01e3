"""Every model of the zoo that fits, on each real data set, beside trees and logistic regression."""
