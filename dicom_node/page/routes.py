"""The page's routes. A link with the token opens a session; the token then leaves the address bar."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dicom_node.api import asking
from dicom_node.api.access import COOKIE, Caller
from dicom_node.api.studies import StudyUid
from dicom_node.archive import outbox
from dicom_node.archive.answers import answers_of
from dicom_node.archive.readings import latest_reading, reports_of
from dicom_node.archive.studies import find_study, list_studies
from dicom_node.errors import NodeError, NotFound
from medvlm.contract import ImageSource, Question
from medvlm.errors import MedvlmError
from medvlm.vocabulary import terms

FOLDER = Path(__file__).parent
router = APIRouter(include_in_schema=False)


def _environment() -> Environment:
    pages = Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined)
    pages.filters["clock"] = lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    pages.filters["date"] = _date
    pages.filters["reliance"] = _reliance
    pages.filters["percent"] = lambda probability: f"{100 * probability:.0f} %"
    pages.filters["display"] = lambda name: terms()[name].display
    return pages


def _date(da: str) -> str:
    """A DICOM date (PS3.5 6.2, VR DA) as 2026-01-31; whatever else stands there as it is."""
    return f"{da[:4]}-{da[4:6]}-{da[6:]}" if len(da) == 8 and da.isdecimal() else da or "–"


def _reliance(log_odds: float | None) -> str:
    return "–" if log_odds is None else f"{round(log_odds, 1) + 0.0:+.1f}"


PAGES = _environment()


def _html(template: str, **values: Any) -> HTMLResponse:
    return HTMLResponse(PAGES.get_template(template).render(**values))


@router.get("/")
def home(request: Request, token: str | None = None) -> Response:
    state = request.app.state
    if token is not None:
        if not secrets.compare_digest(token.encode(), state.token.encode()):
            raise HTTPException(401, "The token is wrong. The node printed the right address at its start.")
        opened = RedirectResponse("/", status_code=303)
        opened.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return opened
    if not secrets.compare_digest(request.cookies.get(COOKIE, "").encode(), state.token.encode()):
        return HTMLResponse(PAGES.get_template("locked.html").render(), status_code=401)
    return _html("studies.html", studies=list_studies(state.engine), listener=state.settings.listener)


@router.get("/studies/{study_uid}")
def study(request: Request, study_uid: StudyUid, _caller: Caller) -> Response:
    return _study_page(request, study_uid)


@router.post("/studies/{study_uid}")
def ask(request: Request, study_uid: StudyUid, question: Annotated[str, Form(max_length=1000)], by: Caller) -> Response:
    """The form's question. The session cookie is SameSite=Strict: no other site can send it."""
    state = request.app.state
    try:
        asking.ask(state.engine, state.model, study_uid, Question(text=question), by)
    except (NodeError, MedvlmError, ValueError) as error:
        words = str(error) if isinstance(error, NodeError | MedvlmError) else "Write a question first."
        return _study_page(request, study_uid, problem=words)
    return RedirectResponse(f"/studies/{study_uid}#answers", status_code=303)


def _study_page(request: Request, study_uid: str, problem: str = "") -> Response:
    engine = request.app.state.engine
    found = find_study(engine, study_uid)
    kept = latest_reading(engine, study_uid)
    return _html(
        "study.html",
        study=found,
        reading=kept.reading if kept else None,
        version=kept.version if kept else 0,
        shown=_shown(kept.study_input.images) if kept else None,
        reports=reports_of(engine, study_uid),
        deliveries=outbox.of_study(engine, study_uid),
        answers=answers_of(engine, study_uid),
        problem=problem,
    )


@router.get("/studies/{study_uid}/image.png")
def image(request: Request, study_uid: StudyUid, _caller: Caller) -> Response:
    """The study's first image (of a series, the middle slice), as displayed."""
    state = request.app.state
    kept = latest_reading(state.engine, study_uid)
    shown = _shown(kept.study_input.images) if kept else None
    if shown is None:
        raise NotFound("this study has no image to show")
    return Response(state.model.preview(shown), media_type="image/png")


def _shown(images: tuple[ImageSource, ...]) -> ImageSource | None:
    return images[len(images) // 2] if images else None


@router.get("/style.css")
def style() -> Response:
    return Response((FOLDER / "style.css").read_text("utf-8"), media_type="text/css")
