"""Fine-tune the shipped backbone on fruit; make the default recogniser (group ``finetune``)."""
