"""The reading page: worklist, images beside the draft, decisions, signature. TypeScript in `web/`, built by `build`.

In: a browser's requests for the page. Out: its document and files; all data goes through the API and DICOMweb.
"""
