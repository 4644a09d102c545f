"""probandum: audits deployed models and writes documents whose every number traces to evidence."""
