package share

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/testenv"
)

// The real daemon takes files from a real share, goes on after it was killed,
// and lives while the file server does not.
func TestTheDaemonTakesFilesFromAShare(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{})
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(server.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	drop := fmt.Sprintf("  - {name: pietro, smb: //%s/skany, username: %s, password_file: %s, every: 1s, settle: 1s}\n", server.Addr, server.User, secret)
	server.Stop(t)
	house := testenv.Daemon(t, testenv.Options{Edit: func(yaml string) string { return strings.Replace(yaml, "drops:\n", "drops:\n"+drop, 1) }})
	if r := house.Try(t, "source", "test", "pietro"); r.Code != 5 || !strings.Contains(r.Stderr, "cannot be reached") {
		t.Errorf("source test of a server that is down: %+v", r)
	}
	server.Start(t)
	dir := server.Path("skany")
	write(t, dir, "USC/zażółć.pdf", pdf("first"))
	house.WaitFor(t, 1)
	house.Kill(t)
	write(t, dir, "USC/zażółć.pdf", pdf("second"))
	house.Serve(t)
	for _, e := range house.WaitFor(t, 2) {
		if e.Door != "share" {
			t.Errorf("%s came by %q, want the share", e.Number, e.Door)
		}
	}
	testenv.Eventually(t, "both files have their final names", func() error {
		// A death between making the final name and moving to it leaves an empty
		// file of that name, and the next is counted on.
		left := files(dir)
		if !strings.Contains(left, "RPW-000001-2026 zażółć") || !strings.Contains(left, "RPW-000002-2026 zażółć") || strings.Contains(left, "/claim/") || strings.Contains(left, "USC/") {
			return fmt.Errorf("the share holds %q", left)
		}
		return nil
	})
	house.Run(t, "source", "test", "pietro")
	house.Run(t, "verify")
}
