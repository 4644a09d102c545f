"""Documents from a sealed record: the content tree, its words, and the formats. It computes no metric.

PYTEST_DONT_REWRITE: see probandum.
"""

from probandum.dossier import register_publisher
from probandum_reports.publisher import DocumentPublisher

register_publisher(DocumentPublisher())
