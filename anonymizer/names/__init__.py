"""Names in free text: trained linear-chain models of this project that find names, places, organisations and the like.

recogniser    which model reads a text; from a text to its findings
languages     the languages and the settings of each
tokens        words, and the pieces of a text whose labels depend on each other
features      the form of features; `features_en`, `features_fr`, `features_ar` are those of a language
lexicon       word lists that features look into; `rarity` and `arabic` likewise
model         scores of a text under a trained model; `lattice` makes probabilities of them
spans         which tokens are masked, by a threshold and by rules
weights       the model file
"""
