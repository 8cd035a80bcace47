package rules

import (
	"slices"
	"strings"

	"kancelaria/registry"
)

// A fieldType says which matchers a field takes and how values compare.
type fieldType uint8

const (
	textField   fieldType = iota // anything; compared folded
	nameField                    // a token: extension, language; compared in lower case
	domainField                  // compared in lower case; *.x is below x
	wordField                    // one of a closed list
	refField                     // a name declared in office.yaml or a flag
	numberField                  //
	sizeField                    // bytes: 10MB
	dateField                    // YYYY-MM-DD
	boolField                    //
)

// A phase says when a field is known (DESIGN § 3).
type phase uint8

const (
	onArrival phase = iota // envelope, headers, parts, authentication, malware
	onReading              // the text, the thread, what classify wrote
	onFinding              // what may become known late: trust in signatures
)

// String names a phase as lists and complaints do.
func (p phase) String() string {
	return [...]string{"arrival", "reading", "findings"}[p]
}

// A fieldID is the place of a field in a view.
type fieldID uint8

// The fields of the language, in the order of the manual.
const (
	fDoor fieldID = iota
	fSource
	fFolder
	fFile
	fRegister
	fMailbox
	fMailboxKind
	fToAddress
	fToLocal
	fMailFrom
	fSubject
	fText
	fSenderEmail
	fSenderDomain
	fSenderName
	fSenderInstitution
	fSenderInstitutionKind
	fAutoSubmitted
	fPrecedence
	fListID
	fListUnsubscribe
	fReport
	fLoop
	fSpam
	fLanguage
	fSPF
	fDKIM
	fDMARC
	fAuth
	fMalware
	fAttachmentName
	fAttachmentExt
	fAttachmentType
	fAttachmentDeclared
	fAttachmentSize
	fAttachmentCount
	fAttachmentFlag
	fSignatureCount
	fSignatureFormat
	fSignatureCovers
	fSignatureSigner
	fSignatureVerdict
	fSignatureReason
	fSignatureLevel
	fThreadHow
	fThreadCertain
	fThreadOpen
	fThreadClerk
	fThreadDepartment
	fThreadClass
	fCaseMark
	fCaseForeign
	fCaseExists
	fCaseOpen
	fCaseSenderKnown
	fCaseClerk
	fCaseDepartment
	fCaseClass
	fClass
	fLabel
	fFlag
	fPriority
	fSubjectPerson
	fReceived
	fWeekday
	fOfficeHours
	fHoliday
	fieldCount
)

// A field is what a condition can look at.
type field struct {
	name   string
	kind   fieldType
	phase  phase
	multi  bool // may have several values: matches if any does
	state  bool // written by earlier rules
	always bool // every letter has a value
	enum   []string
	ref    refKind
}

// A refKind is what a name must be declared as.
type refKind uint8

const (
	noRef refKind = iota
	refClerk
	refDepartment
	refClass
	refMailbox
	refRegister
	refInstitution
	refFlag
	refDeadline
)

var (
	checkResults = []string{"pass", "fail", "softfail", "neutral", "none", "temperror", "permerror", "not_checked"}
	weekdays     = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// The table of fields; it never changes.
var fields = [fieldCount]field{
	fDoor:                  {name: "door", kind: wordField, enum: []string{"smtp", "lmtp", "folder", "share", "counter", "web", "scan", "package"}, always: true},
	fSource:                {name: "source", kind: nameField},
	fFolder:                {name: "folder", kind: textField},
	fFile:                  {name: "file", kind: textField},
	fRegister:              {name: "register", kind: refField, ref: refRegister},
	fMailbox:               {name: "mailbox", kind: refField, ref: refMailbox, multi: true},
	fMailboxKind:           {name: "mailbox.kind", kind: wordField, enum: mailboxKinds, multi: true},
	fToAddress:             {name: "to.address", kind: domainField, multi: true},
	fToLocal:               {name: "to.local", kind: nameField, multi: true},
	fMailFrom:              {name: "mail_from", kind: domainField},
	fSubject:               {name: "subject", kind: textField},
	fText:                  {name: "text", kind: textField, phase: onReading},
	fSenderEmail:           {name: "sender.email", kind: domainField},
	fSenderDomain:          {name: "sender.domain", kind: domainField},
	fSenderName:            {name: "sender.name", kind: textField},
	fSenderInstitution:     {name: "sender.institution", kind: refField, ref: refInstitution},
	fSenderInstitutionKind: {name: "sender.institution_kind", kind: nameField},
	fAutoSubmitted:         {name: "auto_submitted", kind: nameField},
	fPrecedence:            {name: "precedence", kind: nameField},
	fListID:                {name: "list_id", kind: textField},
	fListUnsubscribe:       {name: "list_unsubscribe", kind: boolField, always: true},
	fReport:                {name: "report", kind: nameField},
	fLoop:                  {name: "loop", kind: boolField, always: true},
	fSpam:                  {name: "spam", kind: boolField, always: true},
	fLanguage:              {name: "language", kind: nameField, phase: onReading},
	fSPF:                   {name: "auth.spf", kind: wordField, enum: checkResults},
	fDKIM:                  {name: "auth.dkim", kind: wordField, enum: checkResults},
	fDMARC:                 {name: "auth.dmarc", kind: wordField, enum: checkResults},
	fAuth:                  {name: "auth.verdict", kind: wordField, enum: []string{"confirmed", "unconfirmed", "forged", "unchecked"}},
	fMalware:               {name: "malware", kind: wordField, enum: []string{"clean", "found", "not_scanned"}},
	fAttachmentName:        {name: "attachment.name", kind: textField, multi: true},
	fAttachmentExt:         {name: "attachment.ext", kind: nameField, multi: true},
	fAttachmentType:        {name: "attachment.type", kind: nameField, multi: true},
	fAttachmentDeclared:    {name: "attachment.declared", kind: nameField, multi: true},
	fAttachmentSize:        {name: "attachment.size", kind: sizeField, multi: true},
	fAttachmentCount:       {name: "attachment.count", kind: numberField, always: true},
	fAttachmentFlag:        {name: "attachment.flag", kind: refField, ref: refFlag, multi: true},
	fSignatureCount:        {name: "signature.count", kind: numberField, phase: onReading, always: true},
	fSignatureFormat:       {name: "signature.format", kind: nameField, phase: onReading, multi: true},
	fSignatureCovers:       {name: "signature.covers", kind: wordField, phase: onReading, multi: true, enum: []string{"whole", "part", "older_revision", "files"}},
	fSignatureSigner:       {name: "signature.signer", kind: domainField, phase: onReading, multi: true},
	fSignatureVerdict:      {name: "signature.verdict", kind: wordField, phase: onFinding, multi: true, enum: []string{"total-passed", "total-failed", "indeterminate"}},
	fSignatureReason:       {name: "signature.reason", kind: nameField, phase: onFinding, multi: true},
	fSignatureLevel:        {name: "signature.level", kind: nameField, phase: onFinding, multi: true},
	fThreadHow:             {name: "thread", kind: wordField, phase: onReading, enum: []string{"token", "message_id", "number"}},
	fThreadCertain:         {name: "thread.certain", kind: boolField, phase: onReading},
	fThreadOpen:            {name: "thread.open", kind: boolField, phase: onReading},
	fThreadClerk:           {name: "thread.clerk", kind: refField, ref: refClerk, phase: onReading},
	fThreadDepartment:      {name: "thread.department", kind: refField, ref: refDepartment, phase: onReading},
	fThreadClass:           {name: "thread.class", kind: refField, ref: refClass, phase: onReading},
	fCaseMark:              {name: "case_ref", kind: nameField, phase: onReading},
	fCaseForeign:           {name: "case_ref.foreign", kind: boolField, phase: onReading},
	fCaseExists:            {name: "case_ref.exists", kind: boolField, phase: onReading},
	fCaseOpen:              {name: "case_ref.open", kind: boolField, phase: onReading},
	fCaseSenderKnown:       {name: "case_ref.sender_known", kind: boolField, phase: onReading},
	fCaseClerk:             {name: "case_ref.clerk", kind: refField, ref: refClerk, phase: onReading},
	fCaseDepartment:        {name: "case_ref.department", kind: refField, ref: refDepartment, phase: onReading},
	fCaseClass:             {name: "case_ref.class", kind: refField, ref: refClass, phase: onReading},
	fClass:                 {name: "class", kind: refField, ref: refClass, phase: onReading, state: true},
	fLabel:                 {name: "label", kind: nameField, phase: onReading, multi: true, state: true},
	fFlag:                  {name: "flag", kind: refField, ref: refFlag, multi: true, state: true},
	fPriority:              {name: "priority", kind: wordField, enum: []string{"high"}, phase: onReading, state: true},
	fSubjectPerson:         {name: "subject_person", kind: refField, ref: refClerk, phase: onReading, multi: true, state: true},
	fReceived:              {name: "received", kind: dateField, always: true},
	fWeekday:               {name: "weekday", kind: wordField, enum: weekdays, always: true},
	fOfficeHours:           {name: "office_hours", kind: boolField, always: true},
	fHoliday:               {name: "holiday", kind: boolField, always: true},
}

// Names that stand for several text fields, and the fields they mean.
var textUnions = map[string][]fieldID{
	"subject_or_text": {fSubject, fText},
	"anywhere":        {fSubject, fText, fAttachmentName},
}

// Fields of any name: a header of the letter, header.x-mailer, and a hint of a
// scan's file name, hint.device.
const (
	headerPrefix = "header."
	hintPrefix   = "hint."
)

// otherName reports whether a key names a header or a hint.
func otherName(key string) bool {
	return strings.HasPrefix(key, headerPrefix) && len(key) > len(headerPrefix) ||
		strings.HasPrefix(key, hintPrefix) && len(key) > len(hintPrefix)
}

func fieldByName(name string) (fieldID, bool) {
	for id, f := range fields {
		if f.name == name {
			return fieldID(id), true
		}
	}
	return 0, false
}

// FieldNames lists all names a condition can use, for the manual and for
// "did you mean".
func FieldNames() []string {
	names := []string{"any_of", "all_of", "not"}
	for _, f := range fields {
		names = append(names, f.name)
	}
	for n := range textUnions {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// known lists what a reference may name.
func (k refKind) known(o *registry.Office) []string {
	switch k {
	case refClerk:
		return keys(o.Clerks)
	case refDepartment:
		return keys(o.Departments)
	case refClass:
		return keys(o.Classes)
	case refMailbox:
		return keys(o.Mailboxes)
	case refRegister:
		return keys(o.Registers)
	case refInstitution:
		return keys(o.Institutions)
	case refDeadline:
		return keys(o.Deadlines)
	case refFlag:
		return flagNames()
	default:
		return nil
	}
}

// String names the kind of thing in a complaint.
func (k refKind) String() string {
	return [...]string{"", "clerk", "department", "class", "mailbox", "register", "institution", "flag", "deadline"}[k]
}

// code is E101 for clerks, E102 for everything else that is named.
func (k refKind) code() string {
	if k == refClerk {
		return "E101"
	}
	return "E102"
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// flagNames lists the closed list of flags as the catalogue of texts has it.
func flagNames() []string {
	list := registry.Catalogue("en").Keys("flag.")
	for i, k := range list {
		list[i] = strings.TrimPrefix(k, "flag.")
	}
	return list
}
