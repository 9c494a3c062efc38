"""Services of the operator: progress of the pipeline, quarantine, exact cells, ticks of the release calendar."""
