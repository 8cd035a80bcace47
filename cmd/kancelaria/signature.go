package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kancelaria/gateway/parse"
	"kancelaria/gateway/parse/signature"
	"kancelaria/registry"
)

type signatureCmd struct {
	Check signatureCheckCmd `cmd:"" help:"Say what the signatures on files prove; exit 6 unless every file is signed and every signature passes."`
}

type signatureCheckCmd struct {
	Files    []string  `arg:"" name:"file" help:"Signed files: letters (.eml), PDF, XML, CMS, ASiC, PGP. A signature that lies beside its file finds it among the others."`
	Detached string    `placeholder:"OF" help:"The file that the signature in FILE stands beside."`
	Key      string    `placeholder:"FILE" help:"Public PGP keys that are known to be their owners'."`
	Trust    string    `placeholder:"DIR" help:"Who is trusted: a folder that trust import filled. Default: the office's, where there is one."`
	At       time.Time `placeholder:"TIME" help:"When the files arrived, if not now (RFC 3339)."`
	Language string    `enum:"pl,en," default:"" help:"Of the sentences: pl or en. Default: as the environment says, else en."`
}

// Run needs no office and no network.
func (c *signatureCheckCmd) Run(e *env) error {
	if c.Detached != "" && len(c.Files) != 1 {
		return withCode(exitUsage, errors.New("--detached OF goes with one FILE, the signature of OF"))
	}
	checker, err := c.checker(e)
	if err != nil {
		return err
	}
	clean := true
	for i := range c.Files {
		doc, err := c.one(e, checker, i)
		if err != nil {
			return err
		}
		worst, signed := doc.SignatureVerdict()
		clean = clean && signed && worst.Verdict == registry.TotalPassed && worst.Covers == registry.CoversWhole
		if err := c.say(e, c.Files[i], doc); err != nil {
			return err
		}
	}
	if !clean {
		return silent{exitFindings}
	}
	return nil
}

// longest is how long a command looks at one file.
const longest = 30 * time.Second

func (c *signatureCheckCmd) checker(e *env) (*signature.Checker, error) {
	o := signature.Options{Limits: signature.Limits{Time: longest, File: 256 << 20}, Now: time.Now}
	if !c.At.IsZero() {
		o.Now = func() time.Time { return c.At }
	}
	o.Trust = e.trustFor(c.Trust, o.Now)
	if c.Key != "" {
		keys, err := signature.ReadKeyring(c.Key)
		if err != nil {
			return nil, withCode(exitUsage, err)
		}
		o.Keys = keys
	}
	return signature.New(o), nil
}

// one reads a file as a letter or what else it is, and checks what it finds.
func (c *signatureCheckCmd) one(e *env, checker *signature.Checker, i int) (registry.Document, error) {
	f, size, err := openFile(c.Files[i])
	if err != nil {
		return registry.Document{}, err
	}
	defer f.Close()
	beside := &checksBeside{Checker: checker, name: filepath.Base(c.Files[i]), open: reopen(c.Files[i]), detached: c.Detached}
	for j, other := range c.Files {
		if j == i {
			continue
		}
		s, err := siblingFile(other)
		if err != nil {
			return registry.Document{}, err
		}
		beside.siblings = append(beside.siblings, s)
	}
	reader := parse.New(parse.Options{Checker: beside, Log: e.log, Limits: parse.Limits{Time: longest}})
	it := registry.Item{Door: registry.DoorFolder, Original: registry.Original{Name: filepath.Base(c.Files[i]), Size: size}}
	doc := reader.Read(e.ctx, it, io.NewSectionReader(f, 0, size))
	if len(doc.Signatures) == 0 && !beside.asked {
		doc.Signatures = beside.alone(e.ctx)
	}
	return doc, e.ctx.Err()
}

func openFile(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the signed file: %w", err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", name)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

func reopen(name string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return os.Open(name) }
}

// siblingFile makes a file one that a signature may belong to.
func siblingFile(name string) (parse.Sibling, error) {
	f, size, err := openFile(name)
	if err != nil {
		return parse.Sibling{}, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return parse.Sibling{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return parse.Sibling{Path: filepath.Base(name), Name: filepath.Base(name), Size: size, Digest: registry.Digest(sum.Sum(nil)), Open: reopen(name)}, nil
}

// checksBeside gives a lone file what stands beside it.
type checksBeside struct {
	*signature.Checker
	name     string
	open     func(context.Context) (io.ReadCloser, error)
	detached string
	siblings []parse.Sibling
	asked    bool
}

// Check implements parse.Checker.
func (b *checksBeside) Check(ctx context.Context, list []parse.Candidate) []registry.SignatureReport {
	for i := range list {
		if list[i].Path == "1" && list[i].Letter == nil {
			b.asked = true
			b.place(&list[i])
		}
	}
	return b.Checker.Check(ctx, list)
}

func (b *checksBeside) place(c *parse.Candidate) {
	c.Siblings = append(c.Siblings, b.siblings...)
	if b.detached != "" {
		c.Content, c.ContentPath = reopen(b.detached), filepath.Base(b.detached)
	}
}

// alone checks a file that the reader took for none that is signed: what its
// bytes are decides.
func (b *checksBeside) alone(ctx context.Context) []registry.SignatureReport {
	c := parse.Candidate{Path: "1", Name: b.name, Format: parse.CMS, Open: b.open}
	if b.detached == "" && !slices.Contains([]string{".p7m", ".p7s", ".sig", ".p7", ".cms", ".cades", ".pkcs7", ".asc"}, strings.ToLower(filepath.Ext(b.name))) {
		return nil
	}
	b.place(&c)
	return b.Checker.Check(ctx, []parse.Candidate{c})
}

// A checkedFile is the answer for machines.
type checkedFile struct {
	File       string             `json:"file"`
	Verdict    string             `json:"document_verdict"` // "" when nothing is signed
	Reason     string             `json:"reason"`
	Covers     string             `json:"covers"`
	Intact     string             `json:"intact"`
	SummaryPL  string             `json:"summary_pl"`
	SummaryEN  string             `json:"summary_en"`
	Signatures []checkedSignature `json:"signatures"`
}

type checkedSignature struct {
	registry.SignatureReport
	SentencePL string `json:"sentence_pl"`
	SentenceEN string `json:"sentence_en"`
}

func (c *signatureCheckCmd) say(e *env, name string, doc registry.Document) error {
	if !e.JSON {
		return c.print(e, name, doc)
	}
	pl, en := registry.Catalogue("pl"), registry.Catalogue("en")
	worst, _ := doc.SignatureVerdict()
	out := checkedFile{
		File: name, Verdict: worst.Verdict, Reason: worst.Reason, Covers: worst.Covers, Intact: worst.Intact,
		SummaryPL: doc.SignatureSentence(pl), SummaryEN: doc.SignatureSentence(en), Signatures: []checkedSignature{},
	}
	for _, r := range doc.Signatures {
		out.Signatures = append(out.Signatures, checkedSignature{r, r.Sentence(pl), r.Sentence(en)})
	}
	return json.NewEncoder(e.stdout).Encode(out)
}

func (c *signatureCheckCmd) print(e *env, name string, doc registry.Document) error {
	texts := registry.Catalogue(c.language())
	r := &rows{w: e.stdout}
	r.row("file", name)
	r.row("verdict", doc.SignatureSentence(texts))
	for _, s := range doc.Signatures {
		r.row("signature", signatureRow(s))
		r.row("", s.Sentence(texts))
		r.row("  intact", s.Intact)
		r.row("  signer", strings.TrimSpace(cell(s.Signer.Name, 200)+" "+angle(cell(s.Signer.Email, 200))))
		r.row("  issued by", cell(s.Signer.Issuer, 200))
		r.row("  trusted", strings.TrimSpace(s.Trust.State+" "+cell(s.Trust.Anchor, 200)+" "+s.Trust.Source))
		r.row("  revocation", strings.TrimSpace(s.Revocation.State+" "+s.Revocation.Source))
		if !s.SignedAt.IsZero() {
			r.row("  claimed at", s.SignedAt.Format(time.RFC3339))
		}
		for _, t := range s.Times.Timestamps {
			r.row("  timestamp", fmt.Sprintf("%s %s %s by %s", t.Kind, t.At.Format(time.RFC3339), t.State, cell(t.Authority, 100)))
		}
		for _, why := range s.Reasons {
			r.row("  because", texts.Say("signature.because."+why.Code)+note(why.Note))
		}
		for _, w := range s.Warnings {
			r.row("  note", texts.Say("signature.warning."+w))
		}
	}
	return r.err
}

func note(s string) string {
	if s == "" {
		return ""
	}
	return " (" + cell(s, 200) + ")"
}

func (c *signatureCheckCmd) language() string {
	if c.Language != "" {
		return c.Language
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			return v[:min(2, len(v))]
		}
	}
	return "en"
}

// signatureRow says in a line what is known of a signature.
func signatureRow(s registry.SignatureReport) string {
	verdict := s.Verdict
	if s.Reason != "" {
		verdict += "/" + s.Reason
	}
	return strings.TrimRight(fmt.Sprintf("%s %s %s %s: %s", s.Path, s.Format, verdict, s.Covers, cell(s.Signer.Name, 100)), ": ")
}

// newChecker makes the part that says what signatures prove. A keyring that
// cannot be read is told, and no key is believed.
func (h *house) newChecker() *signature.Checker {
	o := h.checking()
	o.Trust = h.newTrust()
	return signature.New(o)
}

func (h *house) checking() signature.Options {
	o := signature.Options{Now: h.now, Log: h.log}
	if file := string(h.cfg.Signatures.Keyring); file != "" {
		keys, err := signature.ReadKeyring(file)
		if err != nil {
			h.log.Error("signature.keyring", "err", err)
		}
		o.Keys = keys
	}
	return o
}
