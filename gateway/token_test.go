package gateway_test

import (
	"strings"
	"testing"

	"kancelaria/gateway"
	"kancelaria/registry"
)

var (
	tokenDay    = registry.Day{Year: 2026, Month: 12, Day: 31}
	tokenNumber = registry.Number{Register: "RPW", Year: 2026, Seq: 4512}
)

func TestAReplyTokenSaysWhatWasPutIntoIt(t *testing.T) {
	tokens := gateway.NewTokens("aleksandrowo.example", []byte("key of today"))
	address, err := tokens.Reply(tokenNumber, "os1", gateway.MayAccept|gateway.MayNote, tokenDay)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(address, "r+rpw-004512-2026.") || !strings.HasSuffix(address, "@aleksandrowo.example") {
		t.Errorf("address = %q", address)
	}
	tok, ok := tokens.Parse(strings.ToUpper(address))
	if !ok {
		t.Fatalf("%q was not known again", address)
	}
	if tok.Kind != gateway.TokenReply || tok.Number != tokenNumber || tok.Expires != tokenDay ||
		tok.Rights != gateway.MayAccept|gateway.MayNote || !tok.IsFor("os1") || tok.IsFor("os2") {
		t.Errorf("token = %+v", tok)
	}
}

func TestBounceAndSenderTokens(t *testing.T) {
	tokens := gateway.NewTokens("aleksandrowo.example", []byte("key"))
	bounce, err := tokens.Bounce("123456789.12")
	if err != nil {
		t.Fatal(err)
	}
	if tok, ok := tokens.Parse(bounce); !ok || tok.Kind != gateway.TokenBounce || tok.Outbox != "123456789.12" {
		t.Errorf("Parse(%q) = %+v, %t", bounce, tok, ok)
	}
	sender, err := tokens.Sender("urzad@aleksandrowo.example", tokenNumber)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(sender, "urzad+s.") {
		t.Errorf("address = %q", sender)
	}
	if tok, ok := tokens.Parse(sender); !ok || tok.Kind != gateway.TokenSender || tok.Number != tokenNumber || tok.IsFor("os1") {
		t.Errorf("Parse(%q) = %+v, %t", sender, tok, ok)
	}
}

func TestAnEarlierKeyIsStillBelieved(t *testing.T) {
	old := gateway.NewTokens("aleksandrowo.example", []byte("old"))
	both := gateway.NewTokens("aleksandrowo.example", []byte("new"), []byte("old"))
	address, _ := old.Reply(tokenNumber, "os1", gateway.MayHandle, tokenDay)
	if tok, ok := both.Parse(address); !ok || !tok.IsFor("os1") {
		t.Error("a token of the old key was refused")
	}
	fresh, _ := both.Reply(tokenNumber, "os1", gateway.MayHandle, tokenDay)
	if _, ok := old.Parse(fresh); ok {
		t.Error("a token of a key that is not known was taken")
	}
}

func TestNoTamperedTokenIsTaken(t *testing.T) {
	tokens := gateway.NewTokens("aleksandrowo.example", []byte("key"))
	address, _ := tokens.Reply(tokenNumber, "os1", gateway.MayHandle, tokenDay)
	at := strings.IndexByte(address, '@')
	for i := range at {
		for _, c := range []byte("a7.-+") {
			if address[i] == c {
				continue
			}
			changed := address[:i] + string(c) + address[i+1:]
			if tok, ok := tokens.Parse(changed); ok {
				t.Errorf("Parse(%q) = %+v", changed, tok)
			}
		}
	}
	for _, other := range []string{
		"", "@", "r+@aleksandrowo.example", "urzad@aleksandrowo.example", address[:at] + "@other.example",
		"b" + address[1:], "urzad+s." + address[2:], address + "x", strings.Repeat("a", 500) + address,
	} {
		if tok, ok := tokens.Parse(other); ok {
			t.Errorf("Parse(%q) = %+v", other, tok)
		}
	}
}

func TestARegisterTooLongForATokenIsRefused(t *testing.T) {
	tokens := gateway.NewTokens("aleksandrowo.example", []byte("key"))
	for seq, want := range map[int64]bool{99999999999: true, 999999999999: false} {
		n := registry.Number{Register: strings.Repeat("R", 20), Year: 2026, Seq: seq}
		address, err := tokens.Reply(n, "os1", gateway.MayHandle, tokenDay)
		if (err == nil) != want {
			t.Errorf("Reply(%s) = %q, %v", n, address, err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	tokens := gateway.NewTokens("aleksandrowo.example", []byte("key"), []byte("old"))
	reply, _ := tokens.Reply(tokenNumber, "os1", gateway.MayHandle, tokenDay)
	bounce, _ := tokens.Bounce("4711.1")
	sender, _ := tokens.Sender("urzad@aleksandrowo.example", tokenNumber)
	for _, seed := range []string{reply, bounce, sender, "", "r+.@aleksandrowo.example", "b+b.b@aleksandrowo.example"} {
		f.Add(seed)
	}
	made := map[string]bool{reply: true, bounce: true, sender: true}
	f.Fuzz(func(t *testing.T, address string) {
		if _, ok := tokens.Parse(address); ok && !made[strings.ToLower(strings.TrimSpace(address))] {
			t.Errorf("%q was taken for ours", address)
		}
	})
}
