package testenv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"kancelaria/testenv"
)

func TestSeveralGatewaysNeedOneSecondHome(t *testing.T) {
	pg := testenv.Postgres(t)
	dsn := pg.NewDatabase(t)
	srv := testenv.S3Server(t)
	client, err := minio.New(strings.TrimPrefix(srv.Endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(srv.Access, srv.Secret, "")})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.MakeBucket(t.Context(), "pisma", minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(testenv.TempDir(t), "s3")
	if err := os.WriteFile(keys, []byte(srv.Access+"\n"+srv.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	gateway := func(node string, home bool) *testenv.House {
		return testenv.Office(t, testenv.Options{Store: dsn, Edit: func(yaml string) string {
			yaml += "\nnode: " + node + "\n"
			if !home {
				return yaml
			}
			return strings.Replace(yaml, "archive: {segments: data/archive}", fmt.Sprintf(
				"archive: {segments: data/archive, s3: {endpoint: %q, region: us-east-1, bucket: pisma, keys_file: %q}}", srv.Endpoint, keys), 1)
		}})
	}

	first := gateway("n1", true)
	first.Serve(t)
	if out := first.Run(t, "check", "--live"); !strings.Contains(out, "second home") {
		t.Errorf("check --live does not speak of the second home:\n%s", out)
	}
	first.List(t) // opens the book
	testenv.Eventually(t, "the first gateway shows that it lives", func() error {
		if n := pg.Exec(t, dsn, "SELECT count(*) FROM kancelaria.lease WHERE name = 'node/n1'"); n != "1" {
			return fmt.Errorf("%s leases", n)
		}
		return nil
	})
	for _, c := range []struct{ node, says string }{
		{"n2", "give all of them the same archive.s3"},
		{"n1", "give each gateway a name of its own"},
	} {
		alone := gateway(c.node, false)
		if got := alone.Try(t, "serve"); got.Code == 0 || !strings.Contains(got.Stderr, c.says) {
			t.Errorf("a gateway %s without a second home: exit %d, %s", c.node, got.Code, got.Stderr)
		}
	}

	second := gateway("n2", true)
	second.Serve(t)
	letter := compose(first, "pismo przyjęte przez pierwszą bramę")
	tool(t, "swaks", "--server", first.SMTP, "--from", "a@resident.example", "--to", first.Mailbox, "--data", "@"+writeFile(t, "a.eml", letter))
	number := second.WaitFor(t, 1)[0].Number
	testenv.Eventually(t, "the second gateway shows what the first accepted", func() error {
		got := second.Try(t, "original", number)
		if got.Code != 0 || !strings.HasPrefix(got.Stdout, string(letter)) {
			return fmt.Errorf("exit %d: %.200s", got.Code, got.Stderr)
		}
		return nil
	})
}
