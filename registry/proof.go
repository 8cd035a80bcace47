package registry

import (
	"context"
	"errors"
	"fmt"

	"kancelaria/registry/ledger"
)

// What a proof carries beside the path: the version of this layout, the salt
// and the body of the leaf. The leaf is computed from it, so that nothing in
// it can be changed.
const proofVersion = 1

// Prove makes the proof that a leaf is in the ledger under a signed head,
// which must cover it.
func Prove(ctx context.Context, store hashed, row LeafRow, head Checkpoint) (ledger.Proof, error) {
	path, err := ledger.Inclusion(head.Size, row.Index, StoredHashes(ctx, store))
	if err != nil {
		return ledger.Proof{}, fmt.Errorf("proving leaf %d: %w", row.Index, err)
	}
	extra := make([]byte, 0, 1+len(row.Salt)+len(row.Body))
	extra = append(extra, proofVersion)
	extra = append(extra, row.Salt[:]...)
	extra = append(extra, row.Body...)
	return ledger.Proof{Extra: extra, Index: row.Index, Hashes: path, Checkpoint: head.Note}, nil
}

// CheckProof checks a proof offline, with nothing but the office's public
// keys, and gives what the leaf says and the head it is in.
func CheckProof(p ledger.Proof, publics ...string) (LeafBody, ledger.Checkpoint, error) {
	var salt Salt
	if len(p.Extra) < 1+len(salt) || p.Extra[0] != proofVersion {
		return LeafBody{}, ledger.Checkpoint{}, errors.New("the proof does not carry a leaf of the book")
	}
	copy(salt[:], p.Extra[1:])
	raw := p.Extra[1+len(salt):]
	body, err := DecodeLeaf(raw)
	if err != nil {
		return LeafBody{}, ledger.Checkpoint{}, fmt.Errorf("the proof does not carry a leaf of the book: %w", err)
	}
	head, err := p.Verify(ledger.Hash(LeafHash(body.Kind, salt, raw)), publics...)
	if err != nil {
		return LeafBody{}, ledger.Checkpoint{}, err
	}
	return body, head, nil
}

// ReadProof reads the text of a proof and checks it with CheckProof, for those
// who know no ledger.
func ReadProof(text []byte, publics ...string) (LeafBody, Checkpoint, error) {
	p, err := ledger.ParseProof(text)
	if err != nil {
		return LeafBody{}, Checkpoint{}, err
	}
	body, head, err := CheckProof(p, publics...)
	if err != nil {
		return LeafBody{}, Checkpoint{}, err
	}
	return body, Checkpoint{Size: head.Size, Root: Digest(head.Root), Note: p.Checkpoint}, nil
}
