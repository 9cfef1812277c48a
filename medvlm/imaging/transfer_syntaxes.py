"""Which plug-in decodes which transfer syntax (PS3.5 section 10, annex A). All permissively licensed."""

from __future__ import annotations

from pydicom import uid

GDCM_DIRECT = "gdcm_direct"

# Which plug-in decodes what, and no other: pydicom alone would fall through to whatever is installed.
PLUGINS: dict[str, str] = {
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGExtended12Bit: GDCM_DIRECT,  # pydicom's gdcm plug-in refuses 12 bits, which GDCM itself decodes
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
    uid.RLELossless: "pylibjpeg",
}

NATIVE = frozenset({uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian})
