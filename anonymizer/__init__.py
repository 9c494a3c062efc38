"""Privacy: de-identification of single records, and disclosure control of tables.

    policy                         what may be kept, scanned, counted and released
    microdata                      one record in, one de-identified record out
    detection, names, sandbox      personal data in free text: patterns, trained models, the processes that run both
    training                       how the trained models are made
    tabular, solvers               tables with cells withheld, and the solvers that protect and audit them
    noise, budget, mechanisms      tables with noise, their privacy budget, and the library that draws the noise
    attacks                        attacks on what is to be released, before it is

Imported by: `streams`, `connectors` and `amana`. The packages that import engines and solvers (`detection`, `solvers`,
`mechanisms`) are wired together in `amana.composition`.
"""
