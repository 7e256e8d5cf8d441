"""Moving in: a whole project of a source becomes one of the vault's, by a plan that a person has seen."""
