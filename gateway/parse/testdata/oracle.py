"""Says what Python's email package makes of letters: one JSON object a line for
each file named on standard input."""
import email, email.policy, email.header, hashlib, json, re, sys, unicodedata

def text(value):
    if value is None:
        return None
    return unicodedata.normalize("NFC", " ".join(str(value).split()))

def read(name):
    raw = open(name, "rb").read()
    raw = re.sub(rb"\A(From [^\n]*\n|[\r\n]+)+", b"", raw)
    out = {"file": name, "names": [], "digests": [], "words": []}
    modern = email.message_from_bytes(raw, policy=email.policy.default)
    try:
        out["subject"] = text(modern["subject"])
    except Exception:
        out["subject"] = None
    try:
        out["sender"] = modern["from"].addresses[0].addr_spec
    except Exception:
        out["sender"] = None
    old = email.message_from_bytes(raw)
    for part in old.walk():
        if part.is_multipart():
            continue
        try:
            fn = part.get_filename()
            if fn:
                fn = str(email.header.make_header(email.header.decode_header(fn)))
        except Exception:
            fn = None
        if fn:
            out["names"].append(text(fn))
        try:
            body = part.get_payload(decode=True)
        except Exception:
            body = None
        if body is None:
            continue
        kind = part.get_content_type()
        if not kind.startswith("text/") and not kind.startswith("message/") and body:
            out["digests"].append(hashlib.sha256(body).hexdigest())
        if kind == "text/plain" and not fn and part.get_content_disposition() != "attachment":
            cs = part.get_content_charset() or "utf-8"
            try:
                s = body.decode(cs, "replace")
            except LookupError:
                s = body.decode("latin-1")
            out["words"] += unicodedata.normalize("NFC", s).split()
    return out

for line in sys.stdin:
    name = line.rstrip("\n")
    try:
        out = read(name)
    except Exception as e:
        out = {"file": name, "error": str(e)}
    print(json.dumps(out, ensure_ascii=True), flush=True)
