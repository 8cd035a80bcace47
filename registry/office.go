package registry

import (
	"strings"
	"time"
)

// An Office is the town office as office.yaml describes it. It is read-only
// once loaded; the office in force is this plus the events set at the counter.
type Office struct {
	Name         string
	EnglishName  string // "Aleksandrowo Town Office", for receipts; may be ""
	Domain       string
	ADE          string // address for e-Delivery, AE:PL-…
	BIP          string // public information bulletin, URL
	Privacy      string // page on personal data, URL
	Phone        string
	Zone         *time.Location
	Language     string
	Registers    map[string]Register
	Mailboxes    map[string]Mailbox // by lower-case address
	Departments  map[string]Department
	Clerks       map[string]Clerk
	Classes      map[string]Class
	Institutions map[string]Institution
	Deadlines    map[string]DeadlineRule
	Calendar     Calendar
	// Approvers says who may approve in a role, by which certificate, when.
	Approvers map[string][]Approver
	// Desk is the queue of the front desk: department and name.
	Desk Queue
	// Digest is SHA-256 of the file this was read from.
	Digest Digest
}

// A Queue is where letters wait for nobody in particular.
type Queue struct{ Department, Name string }

// A Register is a book: RPW for what comes in.
type Register struct {
	ID         string
	Kind       string // in, out
	Restricted bool
	Readers    []string // logins, when restricted
}

// A Mailbox is one of our addresses.
type Mailbox struct {
	Address    string
	Kind       string // official, individual, noreply
	Register   string
	Department string // "" or where its letters go unless a rule says otherwise
	Clerk      string // of an individual mailbox
	Receipts   bool
}

// A Department is a komórka organizacyjna.
type Department struct {
	ID     string
	Name   string
	Head   string
	Clerks []string
	Marks  []string // other spellings seen in letters: OŚ for OS
	// Originals says whether notices carry the letter: "never", or up to a size.
	OriginalsUpTo int64
}

// A Clerk is a person of the office, by login.
type Clerk struct {
	Login    string
	Name     string // a role name, as shown
	Mail     string
	Unix     string // login in the system, for --by
	Initials string
	Roles    []OfficeRole
	Deputies []string
	Absences []Absence
	Channels []string
	Language string
	// Titles are the words by which letters name the person: burmistrz*.
	Titles []string
}

// A OfficeRole is what a clerk may do beyond handling entries.
type OfficeRole string

// The roles of reference domain § 4.2.
const (
	RoleDesk      OfficeRole = "desk"      // punkt kancelaryjny
	RoleMayor     OfficeRole = "mayor"     //
	RoleDeputyM   OfficeRole = "deputy"    // zastępca
	RoleSecretary OfficeRole = "secretary" //
	RoleTreasurer OfficeRole = "treasurer" //
	RoleHead      OfficeRole = "head"      //
	RoleClerk     OfficeRole = "clerk"     //
	RoleArchivist OfficeRole = "archivist" //
	RoleDPO       OfficeRole = "dpo"       //
	RoleAdmin     OfficeRole = "admin"     // sees state, not content
	RoleAuditor   OfficeRole = "auditor"   //
)

// An Absence is from and to inclusive; Deputies, when given, replace the
// clerk's standing ones, and Classes restrict it to matters of those classes.
type Absence struct {
	From, To Day
	Deputies []string
	Classes  []string
}

// A Class is a symbol of the file plan (JRWA).
type Class struct {
	Symbol     string
	Name       string
	Category   string // A, B5, BE10, Bc
	Department string
	Clerk      string // who usually handles it
	Case       string // at_once, on_accept, none
	Deadline   string // code
	Ladder     Ladder // who is told when that a letter waits
	From, To   Day    // valid from, to
}

// A Ladder says when who is told that a letter of a class waits; what is zero is
// the usual.
type Ladder struct {
	// Deputy and Head are told when nobody has accepted a letter for so long
	// in office hours.
	Deputy, Head time.Duration
	// Clerk and Superior are told so many days before the careful end of a term.
	Clerk, Superior int
}

// An Institution is a court, an office, a council: known by its domains.
type Institution struct {
	ID      string
	Name    string
	Kind    string
	Domains []string
}

// A DeadlineRule is a row of the deadline catalogue.
type DeadlineRule struct {
	Code  string
	Name  string
	N     int
	Unit  string // days, working_days, weeks, months, years, hours, none
	From  string // received, registered, letter, event
	Basis string
}

// A Calendar says which days are free beside Saturdays and Sundays.
type Calendar struct {
	Country   string
	ExtraFree []Day
	// Hours are the office hours by weekday, minutes after midnight; a weekday
	// without hours is closed.
	Hours map[time.Weekday][2]int
}

// ClerkFor finds the clerk whose unix login is user.
func (o *Office) ClerkFor(user string) (Clerk, bool) {
	for _, c := range o.Clerks {
		if c.Unix == user {
			return c, true
		}
	}
	return Clerk{}, false
}

// Mailbox finds one of our mailboxes by address, leniently: case does not
// count and a +detail is cut off.
func (o *Office) Mailbox(address string) (Mailbox, bool) {
	address = strings.ToLower(strings.TrimSpace(address))
	if m, ok := o.Mailboxes[address]; ok {
		return m, true
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return Mailbox{}, false
	}
	local, _, _ := strings.Cut(address[:at], "+")
	m, ok := o.Mailboxes[local+address[at:]]
	return m, ok
}

// Has reports whether the clerk holds a role.
func (c Clerk) Has(role OfficeRole) bool {
	for _, r := range c.Roles {
		if r == role {
			return true
		}
	}
	return false
}
