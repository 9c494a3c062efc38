"""The operator's services: progress of the pipeline, quarantine, exact cells, the release tick."""
