"""Training of the shipped models from their corpora; needs the extra `train`, and no worker imports it.

recipes        the corpora and settings of each model
make           from a recipe and a folder of corpora to a model and its card
corpora        labelled corpora: their types, spans and folds
augment        copies of lines with other names
fit            the training itself, by CRFsuite
card           the card of a model
gazetteer, arabic_lists, word_classes    the word lists of `anonymizer.names.lexicon`; run by hand
"""
