"""What a signature in an answer of SAML may ask to be done before it is judged: next to nothing.

The library runs what a signature names as transforms before it looks whose signature it is: so anybody could have it
run programs of theirs (XSLT, XPath), and whether it opens what is referred to is a matter of how its own libraries were
built. SAML 2.0 Core knows no need of any of that: one reference, to the very element that is signed (section 5.4.2),
and the two plain kinds of transforms, where a verifier may refuse all others (section 5.4.4).
"""

from typing import Any

from single_sign_on.tokens import Refused

DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
TRANSFORMS = frozenset(
    [
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    ]
)


def check(document: Any) -> None:
    """Raises Refused unless each signature in the document is a plain one."""
    if not all(map(_is_plain, document.iter(f"{DSIG}Signature"))):
        raise Refused("its answer was refused (signed in a way that does not count here)")


def _is_plain(signature: Any) -> bool:
    parent = signature.getparent()
    referred = [each.get("URI") for each in signature.iter(f"{DSIG}Reference")]
    transforms = {each.get("Algorithm") for each in signature.iter(f"{DSIG}Transform")}
    is_alone = parent is not None and referred == [f"#{parent.get('ID')}"]
    # What an Object holds may refer to more.
    return is_alone and transforms <= TRANSFORMS and signature.find(f".//{DSIG}Object") is None
