package signature

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"kancelaria/gateway/parse"
	"kancelaria/registry"
)

// A row of the corpus: a file and what it is said to be.
type row struct{ file, format, expected, reason string }

func corpus(t testing.TB) (root string, rows []row) {
	t.Helper()
	root = os.Getenv("KANCELARIA_CORPORA")
	if root == "" {
		t.Log("KANCELARIA_CORPORA is not set: the corpus is not read")
		return "", nil
	}
	root = filepath.Join(root, "signatures")
	table, err := os.ReadFile(filepath.Join(root, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) >= 4 && f[0] != "file" {
			rows = append(rows, row{f[0], f[1], f[2], f[3]})
		}
	}
	return root, rows
}

// group gives the row of the table that a format is counted in.
func group(r row) string {
	switch r.format {
	case "MAIL", "PGP":
		return "S/MIME and PGP"
	case "XAdES", "XML":
		return "XAdES/XML"
	case "XAdES-TL":
		return "trusted lists"
	case "ASiC-E", "ASiC-S", "ASiC?":
		return "ASiC"
	}
	return r.format
}

// corpusKeys is the keyring of an office that confirmed every key there.
func corpusKeys(t testing.TB, root string, rows []row) (keys openpgp.EntityList) {
	t.Helper()
	for _, r := range rows {
		if r.format != "PGP" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, r.file))
		if err != nil {
			t.Fatal(err)
		}
		list, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(b))
		if err != nil {
			list, err = openpgp.ReadKeyRing(bytes.NewReader(b))
		}
		if err == nil {
			keys = append(keys, list...)
		}
	}
	return keys
}

// lookAt checks one file of the corpus as the reader would, its neighbours in
// the folder being its siblings.
func lookAt(t testing.TB, c *Checker, root string, r row) []registry.SignatureReport {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, r.file))
	if err != nil {
		t.Fatal(err)
	}
	it := registry.Item{Door: registry.DoorFolder, Original: registry.Original{Name: path.Base(r.file)}}
	if r.format == "MAIL" {
		it.Door = registry.DoorSMTP
	}
	k := &keeping{Checker: c}
	if r.format != "MAIL" {
		k.siblings = neighbours(t, root, r.file)
		if r.expected == "valid" { // contents that the tests of its origin hold in their sources
			k.siblings = append(k.siblings, sibling("hello.txt", []byte("Hello World")), sibling("aaa.txt", []byte("aaa")))
		}
	}
	return parse.New(parse.Options{Checker: k}).Read(t.Context(), it, bytes.NewReader(b)).Signatures
}

// A keeping checker gives a lone file its neighbours.
type keeping struct {
	*Checker
	siblings []parse.Sibling
}

func (k *keeping) Check(ctx context.Context, list []parse.Candidate) []registry.SignatureReport {
	for i := range list {
		if list[i].Letter == nil && !strings.Contains(list[i].Path, "!") {
			list[i].Siblings = append(list[i].Siblings, k.siblings...)
		}
	}
	return k.Checker.Check(ctx, list)
}

func neighbours(t testing.TB, root, file string) (list []parse.Sibling) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, path.Dir(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || e.IsDir() || e.Name() == path.Base(file) || info.Size() > 1<<20 || len(list) == 300 {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, path.Dir(file), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, sibling(e.Name(), b))
	}
	return list
}

func sibling(name string, b []byte) parse.Sibling {
	return parse.Sibling{
		Path: name, Name: name, Size: int64(len(b)), Digest: digestOf(b),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
	}
}

// missing reports whether the corpus lacks what a detached signature covers, or
// the key: then the report must say so, and more cannot be asked.
func missing(reports []registry.SignatureReport) bool {
	return slices.ContainsFunc(reports, func(r registry.SignatureReport) bool {
		return slices.ContainsFunc(r.Reasons, func(why registry.SignatureReason) bool {
			return why.Code == "content_missing" || why.Code == "key_unknown"
		})
	})
}

// mislabelled are rows whose label other programs contradict.
var mislabelled = map[string]string{
	"alice.env.dsig.SHA256.multipart.dave.sig.SHA256.opaque.eml": "both layers verify; openssl agrees on the outer one, which is from Dave",
	"alice.env.dsig.SHA384.multipart.dave.sig.SHA384.opaque.eml": "as with SHA-256",
	"alice.env.dsig.SHA512.multipart.dave.sig.SHA512.opaque.eml": "as with SHA-256",
}

// outermost gives the reports that decide about a document.
func outermost(reports []registry.SignatureReport) []registry.SignatureReport {
	return slices.DeleteFunc(slices.Clone(reports), func(r registry.SignatureReport) bool { return r.Layer > 0 })
}

// intact reports whether every signature on a document is.
func intact(reports []registry.SignatureReport) bool {
	list := outermost(reports)
	return len(list) > 0 && !slices.ContainsFunc(list, func(r registry.SignatureReport) bool { return r.Intact != registry.SignatureIntact })
}

// believed reports whether a document would pass if only its signers were
// trusted: nothing else speaks against it, and all of it is covered.
func believed(reports []registry.SignatureReport) bool {
	return intact(reports) && !slices.ContainsFunc(outermost(reports), func(r registry.SignatureReport) bool {
		return r.Covers != registry.CoversWhole ||
			slices.ContainsFunc(r.Reasons, func(why registry.SignatureReason) bool { return why.Code != "chain_unknown" })
	})
}

// passed reports whether a document counts as passed.
func passed(reports []registry.SignatureReport) bool {
	return slices.ContainsFunc(outermost(reports), func(r registry.SignatureReport) bool { return r.Verdict == registry.TotalPassed })
}

// elsewhere are invalid rows whose bytes are in order: what is wrong with them
// only a trust store, revocation data or the rules of a foreign profile show.
// Without a trust store nothing passes, so neither do they.
var elsewhere = map[string]string{
	"EE_AS-P-BpLT-V-009.pdf":                                                     "trust: no trusted authority for the timestamp",
	"23608_bdoc21-invalid-nonce-policy-and-implied.bdoc":                         "foreign profile: the nonce of an OCSP answer (BDOC-TM)",
	"bdoc21-bad-nonce-content.bdoc":                                              "foreign profile: the nonce of an OCSP answer (BDOC-TM)",
	"bdoc21-vigane-ocsp.bdoc":                                                    "revocation: the OCSP answer is for another certificate",
	"nonce-vale-sisu.bdoc":                                                       "foreign profile: the nonce of an OCSP answer (BDOC-TM)",
	"CAdES-baseline-lt.asics":                                                    "foreign profile: CAdES in ASiC-S is not accepted there",
	"CAdES-baseline-lta.asics":                                                   "foreign profile: CAdES in ASiC-S is not accepted there",
	"bdoc-tm-ocsp-revoked.bdoc":                                                  "revocation: the OCSP answer says revoked",
	"esteid2018signerAiaOcspLT.asice":                                            "trust: the responder is not one of that list",
	"invalid-bdoc-tm-missing-revoked-ocsp.bdoc":                                  "revocation: the answer is missing",
	"invalid-containers-23816_leedu_live_TS_authority.asice":                     "trust: the timestamp's authority",
	"multiple_EncapsulatedTimeStamp_elements_in_second_SignatureTimeStamp.asice": "foreign profile: one token an element",
	"multiple_EncapsulatedTimeStamp_elements_in_single_SignatureTimeStamp.asice": "foreign profile: one token an element",
	"signing_certificate_not_valid_during_timestamping.asice":                    "time: the certificate's days",
	"two_signatures.bdoc":                                                        "trust and revocation",
	"zip_file_without_asics_extension.bdoc":                                      "trust: a self-made certificate",
}

// The least that each format must reach: valid rows found intact, and invalid
// rows not believed, those named above apart. The counts may rise and never
// fall.
var corpusBars = map[string]struct{ intact, refused int }{
	"ASiC":           {79, 63},
	"CAdES":          {23, 15},
	"DDOC":           {0, 10},
	"PAdES":          {31, 24},
	"S/MIME and PGP": {29, 16},
	"XAdES/XML":      {55, 25},
	"XMLDSIG":        {44, 4},
	"trusted lists":  {6, 1},
}

func TestTheCorpusIsJudged(t *testing.T) {
	root, rows := corpus(t)
	if rows == nil {
		return
	}
	c := New(Options{
		Limits: Limits{Time: 10 * time.Second}, Keys: corpusKeys(t, root, rows),
		Now: func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) },
	})
	type count struct{ valid, missing, intact, believed, invalid, refused, elsewhere, other int }
	counts := map[string]*count{}
	show := os.Getenv("SHOW_ROWS")
	for _, r := range rows {
		if r.expected == "aux" {
			continue
		}
		n := counts[group(r)]
		if n == nil {
			n = &count{}
			counts[group(r)] = n
		}
		if mislabelled[path.Base(r.file)] != "" {
			r.expected = "unknown"
		}
		reports := lookAt(t, c, root, r)
		wrong := false
		switch r.expected {
		case "valid":
			n.valid++
			if intact(reports) {
				n.intact++
			}
			if believed(reports) {
				n.believed++
			}
			if !intact(reports) && missing(reports) {
				n.missing++
			}
			wrong = !intact(reports)
		case "invalid":
			n.invalid++
			switch {
			case !believed(reports):
				n.refused++
			case elsewhere[path.Base(r.file)] != "":
				n.elsewhere++
			default:
				t.Errorf("%s is believed", r.file)
			}
			if passed(reports) {
				t.Errorf("%s passed", r.file)
			}
			wrong = believed(reports)
		default:
			n.other++
			wrong = r.expected == "unsigned" && len(reports) > 0
		}
		if (r.format == "XMLDSIG" || r.format == "DDOC") && passed(reports) {
			t.Errorf("%s passed", r.file)
		}
		if show != "" && (wrong || show == "all") && strings.Contains(r.format+" "+r.file, os.Getenv("SHOW_ONLY")) {
			t.Logf("%s %s %s: %s", r.format, r.expected, r.file, r.reason)
			for _, x := range reports {
				t.Logf("      %s", summary(x))
			}
		}
	}
	t.Logf("%-16s %5s %8s %7s %9s   %7s %8s %9s %6s", "format", "valid", "no data", "intact", "believed", "invalid", "refused", "elsewhere", "other")
	for _, name := range slices.Sorted(keysOf(counts)) {
		n := counts[name]
		t.Logf("%-16s %5d %8d %7d %9d   %7d %8d %9d %6d", name, n.valid, n.missing, n.intact, n.believed, n.invalid, n.refused, n.elsewhere, n.other)
		if bar := corpusBars[name]; n.intact < bar.intact || n.refused < bar.refused {
			t.Errorf("%s: %d of the valid are intact, were %d; %d of the invalid are refused, were %d", name, n.intact, bar.intact, n.refused, bar.refused)
		}
	}
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func summary(r registry.SignatureReport) string {
	said := fmt.Sprintf("%s layer %d %s %s %s/%s %s %s", r.Path, r.Layer, r.Format, r.Intact, r.Verdict, r.Reason, r.Covers, r.Signer.Name)
	for _, why := range r.Reasons {
		said += fmt.Sprintf(" [%s %s]", why.Code, why.Note)
	}
	return said
}
