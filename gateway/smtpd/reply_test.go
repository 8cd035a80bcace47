package smtpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"kancelaria/registry"
)

// A 5xx makes the sender's server give the letter back to a citizen: only what
// is the letter's or the sender's own fault may say so.
func TestOnlyTheSendersFaultIsPermanent(t *testing.T) {
	permanent := map[reason]bool{
		tooLarge: true, circles: true, noMailbox: true, noRelay: true, badAddress: true, badSender: true,
		nested: true, needRecipient: true, needTLS: true, badLogin: true, longCommand: true,
	}
	for why, r := range refusals {
		if got := r.Code >= 500; got != permanent[why] {
			t.Errorf("%q is permanent: %t, want %t", r.English, got, permanent[why])
		}
		if r.Code/100 != r.Enhanced[0] {
			t.Errorf("%q: code %d and enhanced code %v disagree", r.English, r.Code, r.Enhanced)
		}
	}
	if want := int(chatter) + 1; len(refusals) != want {
		t.Errorf("%d reasons have words, want %d", len(refusals), want)
	}
}

func TestEveryErrorBecomesAnAnswerWithoutInternals(t *testing.T) {
	s := New(Options{})
	wrap := func(err error) error { return fmt.Errorf("archive /srv/data/seg: dial tcp 10.0.0.7: %w", err) }
	for _, tt := range []struct {
		err  error
		code int
	}{
		{registry.ErrFull, 452},
		{registry.ErrTooLarge, 552},
		{registry.ErrBacklog, 451},
		{registry.ErrSyncFailed, 451},
		{registry.ErrErased, 451},
		{registry.ErrDamaged, 451},
		{registry.ErrUnavailable, 451},
		{registry.ErrUnknownOutcome, 451},
		{registry.ErrConflict, 451},
		{registry.ErrImmutable, 451},
		{registry.ErrRefused, 451},
		{registry.ErrCorrupt, 451},
		{errClosing, 421},
		{errSlow, 421},
		{errChatter, 421},
		{errLongLine, 500},
		{errCircles, 554},
		{errCut, 451},
		{fmt.Errorf("%w: %w", errCut, os.ErrDeadlineExceeded), 421},
		{fmt.Errorf("%w: %w", errCut, io.ErrUnexpectedEOF), 451},
		{io.ErrUnexpectedEOF, 451},
		{io.ErrClosedPipe, 451},
		{context.Canceled, 421},
		{context.DeadlineExceeded, 451},
		{os.ErrPermission, 451},
		{smtp.ErrDataReset, 451},
		{errors.New("never seen before"), 451},
		{s.refuse(noMailbox), 550},
	} {
		for _, err := range []error{tt.err, wrap(tt.err), wrap(wrap(tt.err))} {
			got, exactly := s.reply(err).(*smtp.SMTPError)
			if !exactly {
				t.Fatalf("%v: the library would not know the answer", err)
			}
			if got.Code != tt.code {
				t.Errorf("%v: code %d, want %d", err, got.Code, tt.code)
			}
			if strings.Contains(got.Message, "10.0.0.7") || strings.Contains(got.Message, "/srv") {
				t.Errorf("%v: tells strangers %q", err, got.Message)
			}
		}
	}
	if err := s.reply(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}

func TestRefusalsSpeakTheOfficesLanguageBehindEnglish(t *testing.T) {
	s := New(Options{MaxSize: 50_000_000, Texts: registry.Catalogue("pl")})
	for why, r := range refusals {
		text := s.refuse(why).Message
		if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Errorf("%q cannot be said on the wire", text)
		}
		if !strings.HasPrefix(text, strings.ReplaceAll(r.English, "{limit}", "50 MB")) || strings.Contains(text, "{") {
			t.Errorf("refusal reads %q", text)
		}
		if r.Key != "" && !strings.Contains(text, " / ") {
			t.Errorf("%q has no %s", text, r.Key)
		}
		if line := replyLine(s.refuse(why)); len(line) > 512 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestALongTextIsCutBetweenCharacters(t *testing.T) {
	got := cutText(strings.Repeat("ą", 400))
	if len(got) > 480 || strings.Trim(got, "ą") != "" {
		t.Errorf("cut to %d bytes: %q", len(got), got)
	}
	if got := cutText("two\r\nlines"); got != "two lines" {
		t.Errorf("got %q", got)
	}
}
