package smtpd

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble plays with a clock that jumps when everybody waits.
func inBubble(t *testing.T, play func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, play)
}

// patient is a talk that waits for hours.
func patient(t *testing.T, d *door, kind string) *talk {
	t.Helper()
	k := newTalk(t, d.pipe(kind, "203.0.113.5"))
	k.patience = 24 * time.Hour
	return k
}

func TestAPeerThatSaysNothingIsAskedToGo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := openDoor(t, Options{})
		k := patient(t, d, "smtp")
		k.begin()
		began := time.Now()
		k.expect("421 4.4.2 Nothing heard")
		k.end()
		if took := time.Since(began); took < 5*time.Minute || took > 5*time.Minute+2*time.Second {
			t.Errorf("asked to go after %v, want 5m", took)
		}
	})
}

func TestALetterThatStopsIsGivenUp(t *testing.T) {
	for _, begin := range []string{"DATA\r\n", "BDAT 100 LAST\r\n"} {
		inBubble(t, func(t *testing.T) {
			d := openDoor(t, Options{})
			k := patient(t, d, "smtp")
			k.begin()
			k.send(begin)
			if begin == "DATA\r\n" {
				k.expect("354 ")
			}
			k.send("half a")
			began := time.Now()
			k.expect("421 4.4.2 ")
			k.end()
			if took := time.Since(began); took < time.Minute || took > time.Minute+2*time.Second {
				t.Errorf("given up after %v, want 1m", took)
			}
			if items, _ := d.spool.kept(); len(items) != 0 {
				t.Error("half a letter was kept")
			}
			lines := d.notes.all()
			if got := lines[len(lines)-1]; got.Code != 421 || got.Size != 6 || got.Sender != "jan@resident.example" {
				t.Errorf("the log says %+v", got)
			}
		})
	}
}

// A slow line is no reason to refuse: only a letter slower than any line is.
func TestASlowLetterIsTakenAndOneThatTricklesIsNot(t *testing.T) {
	for _, tt := range []struct {
		name   string
		pause  time.Duration
		lines  int
		line   string
		answer string
	}{
		{"a line every half minute for twenty minutes", 30 * time.Second, 40, strings.Repeat("x", 7000), "250 "},
		{"a byte every ten seconds", 10 * time.Second, 40, "x", "421 4.4.2 "},
		{"longer than an hour", 30 * time.Second, 130, strings.Repeat("x", 7000), "421 4.4.2 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				d := openDoor(t, Options{})
				k := patient(t, d, "smtp")
				k.begin()
				k.want("DATA", "354 ")
				for range tt.lines {
					time.Sleep(tt.pause) // the bubble's clock
					if _, err := k.Write([]byte(tt.line + "\r\n")); err != nil {
						break // cut off
					}
				}
				_, _ = k.Write([]byte(".\r\n"))
				k.expect(tt.answer)
			})
		})
	}
}

// Our own slowness does not count against the peer.
func TestABusySpoolDoesNotMakeALetterSlow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		spool := &memory{hold: make(chan struct{})}
		d := openDoor(t, Options{Spool: spool})
		k := patient(t, d, "smtp")
		k.begin()
		k.want("DATA", "354 ")
		k.send("x\r\n.\r\n")
		synctest.Wait()
		time.Sleep(3 * time.Hour) // the bubble's clock
		close(spool.hold)
		k.expect("250 ")
		k.want("NOOP", "250 ")
	})
}

func TestAPeerThatDoesNotListenIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := openDoor(t, Options{})
		conn := d.pipe("smtp", "203.0.113.5")
		began := time.Now()
		d.settle() // he never reads our greeting
		if took := time.Since(began); took < time.Minute || took > time.Minute+2*time.Second {
			t.Errorf("left after %v, want 1m", took)
		}
		_ = conn.Close()
	})
}

func TestAChunkThatNeverComesEndsTheLetter(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := openDoor(t, Options{})
		k := patient(t, d, "lmtp")
		k.expect("220 ")
		k.want("LHLO mta.example", "250 ")
		k.want("MAIL FROM:<jan@resident.example>", "250 ")
		k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
		k.send("BDAT 5\r\nfive!")
		k.expect("250 2.0.0 Continue")
		k.expect("421 4.4.2 Nothing heard")
		k.end()
		if items, _ := d.spool.kept(); len(items) != 0 {
			t.Error("a letter without its last chunk was kept")
		}
	})
}
