package smtpd

import (
	"strings"
	"testing"

	"kancelaria/registry"
)

func TestARecipientIsOursHoweverHeIsSpelled(t *testing.T) {
	office := testOffice()
	s := New(Options{
		Office: func() *registry.Office { return office },
		Mailbox: func(address string) (registry.Mailbox, bool) {
			return registry.Mailbox{Address: address, Register: "RPW"}, address == "r+token@aleksandrowo.example"
		},
	})
	for _, tt := range []struct {
		name, said string
		want       string // whose mailbox
		why        reason
	}{
		{"as configured", "urzad@aleksandrowo.example", "urzad@aleksandrowo.example", taken},
		{"in capitals", "URZAD@ALEKSANDROWO.EXAMPLE", "urzad@aleksandrowo.example", taken},
		{"with a detail", "urzad+s.rpw-1-2026.abc@aleksandrowo.example", "urzad@aleksandrowo.example", taken},
		{"with the root's dot", "urzad@aleksandrowo.example.", "urzad@aleksandrowo.example", taken},
		{"in Unicode", "urzad@GMINA-łąki.example", "urzad@gmina-łąki.example", taken},
		{"in ASCII", "urzad@xn--gmina-ki-n8a32d.example", "urzad@gmina-łąki.example", taken},
		{"an address made for one letter", "r+token@aleksandrowo.example", "r+token@aleksandrowo.example", taken},
		{"postmaster", "Postmaster@aleksandrowo.example", "urzad@aleksandrowo.example", taken},
		{"abuse of the other domain", "abuse@gmina-łąki.example", "urzad@aleksandrowo.example", taken},
		{"nobody", "nikt@aleksandrowo.example", "", noMailbox},
		{"nobody in the other domain", "os1@gmina-łąki.example", "", noMailbox},
		{"a token that is not ours", "r+forged@aleksandrowo.example", "", noMailbox},
		{"somewhere else", "jan@resident.example", "", noRelay},
		{"a subdomain", "urzad@x.aleksandrowo.example", "", noRelay},
		{"a suffix", "urzad@xaleksandrowo.example", "", noRelay},
		{"relaying by quotes", "jan@resident.example@aleksandrowo.example", "", noMailbox},
		{"relaying by two @", "urzad@aleksandrowo.example@resident.example", "", noRelay},
		{"a bad label", "urzad@xn--a.example", "", noRelay},
		{"without domain", "urzad@", "", badAddress},
		{"without local part", "@aleksandrowo.example", "", badAddress},
		{"a control character", "urzad\x01@aleksandrowo.example", "", badAddress},
		{"nothing", "", "", badAddress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			box, why := s.mailboxFor(tt.said)
			if box.Address != tt.want || why != tt.why {
				t.Errorf("mailboxFor(%q) = %q, %d; want %q, %d", tt.said, box.Address, why, tt.want, tt.why)
			}
		})
	}
}

func TestPostmasterNeedsAnOpenOfficialMailbox(t *testing.T) {
	office := testOffice()
	delete(office.Mailboxes, "urzad@aleksandrowo.example")
	s := New(Options{Office: func() *registry.Office { return office }})
	if box, why := s.mailboxFor("postmaster@aleksandrowo.example"); why != taken || box.Address != "urzad@gmina-łąki.example" {
		t.Errorf("postmaster's letters go to %q (%d), want the open one in the other domain", box.Address, why)
	}
	delete(office.Mailboxes, "urzad@gmina-łąki.example")
	if _, why := s.mailboxFor("postmaster@aleksandrowo.example"); why != noMailbox {
		t.Errorf("a letter to postmaster would go to the whistle-blowers' register")
	}
}

func TestAnAddressIsWrittenSoThatOnlyTheLastAtPartsIt(t *testing.T) {
	for _, tt := range []struct {
		read, want string
		ok         bool
	}{
		{"jan@resident.example", "jan@resident.example", true},
		{"a@evil@b.example", `"a@evil"@b.example`, true},
		{`a"b\c@b.example`, `"a\"b\\c"@b.example`, true},
		{"a b@b.example", `"a b"@b.example`, true},
		{".a@b.example", `".a"@b.example`, true},
		{"zażółć@gęślą.example", "zażółć@gęślą.example", true},
		{"", "", true},
		{"a@", "", false},
		{"@b.example", "", false},
		{"a\r@b.example", "", false},
		{"a\xff@b.example", "", false},
	} {
		if got, ok := sayable(tt.read); got != tt.want || ok != tt.ok {
			t.Errorf("sayable(%q) = %q, %t; want %q, %t", tt.read, got, ok, tt.want, tt.ok)
		}
	}
}

// Whatever is taken is one of our mailboxes, in a domain of ours, and can be
// written down so that only its last @ parts it.
func FuzzRecipient(f *testing.F) {
	for _, seed := range []string{"urzad@aleksandrowo.example", "a@b@aleksandrowo.example", "postmaster@GMINA-ŁĄKI.example", `"@"@x`, "abuse+x@aleksandrowo.example.", "\x00@\xff"} {
		f.Add(seed)
	}
	office := testOffice()
	s := New(Options{Office: func() *registry.Office { return office }})
	f.Fuzz(func(t *testing.T, said string) {
		written, ok := sayable(said)
		if at := strings.LastIndexByte(said, '@'); ok && said != "" && written[strings.LastIndexByte(written, '@'):] != said[at:] {
			t.Errorf("%q is written %q", said, written)
		}
		box, why := s.mailboxFor(said)
		if why != taken {
			if _, refusable := refusals[why]; !refusable || box.Address != "" {
				t.Errorf("%q is refused with %d, %+v", said, why, box)
			}
			return
		}
		if _, ours := office.Mailboxes[box.Address]; !ours || !ok {
			t.Errorf("%q is taken for %q", said, box.Address)
		}
		if domain := plainDomain(said[strings.LastIndexByte(said, '@')+1:]); !ourDomain(office, domain) {
			t.Errorf("%q is taken in a foreign domain %q", said, domain)
		}
	})
}
