"""A report's page as PDF/A-3b by WeasyPrint: tagged, fonts and colour profile inside, nothing fetched."""

from __future__ import annotations

from datetime import datetime

from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from dicom_node.report.document import NotReportable


def render_pdf(html: str, when: datetime) -> bytes:
    """The page printed on A4 (ISO 19005-3, level B). `when` is its date of creation: the only clock.

    Same text, libraries and fonts give the same bytes. Only `data:` addresses are followed. A letter that no
    installed font has is printed as a box: install Noto (Debian: fonts-noto-core, fonts-noto-cjk).
    Raises `NotReportable` for a page that wants anything from outside.
    """
    fetcher = URLFetcher(allowed_protocols=("data",), allow_redirects=False, fail_on_errors=True)
    try:
        document = HTML(string=html, url_fetcher=fetcher).render()
    except FatalURLFetchingError:  # a BaseException: it would end the process
        raise NotReportable("the page wants something from outside", way_out="Put it into the page.") from None
    document.metadata.created = document.metadata.modified = when.isoformat(timespec="seconds")
    return bytes(document.write_pdf(pdf_variant="pdf/a-3b", pdf_tags=True))
