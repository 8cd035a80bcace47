package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"kancelaria/registry"
)

// A Keyring keeps the passwords of clerks and the tokens of programs. Only the
// owner at the machine turns it.
type Keyring interface {
	// SetPassword ends the sessions of the login; "" takes the password away.
	SetPassword(ctx context.Context, login, password string) error
	// AddToken gives the secret, which is shown this once.
	AddToken(ctx context.Context, t Token) (Token, error)
	Tokens(ctx context.Context) ([]Token, error)
	RevokeToken(ctx context.Context, id string) error
	// Once gives the item id that stands for a client's key: the same each time
	// the same login offers it.
	Once(ctx context.Context, login, key string) (registry.ItemID, error)
}

// A Token lets a program act as a clerk.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Login   string    `json:"login"`
	Scopes  []string  `json:"scopes"`
	Expires time.Time `json:"expires"`
	Secret  string    `json:"secret,omitempty"` // when it was just made
}

// A Password is the body of PUT /api/v1/passwords/LOGIN.
type Password struct {
	Password string `json:"password"`
}

// owner refuses whoever is not the owner of the data at the machine.
func (a *API) owner(r *http.Request) error {
	if c, _ := CallerOf(r.Context()); !c.Owner {
		return errForbidden
	}
	return nil
}

func (a *API) clerkNamed(login string) error {
	if _, ok := a.Office().Clerks[login]; !ok {
		return wrong("there is no clerk %q in office.yaml", login)
	}
	return nil
}

func (a *API) password(w http.ResponseWriter, r *http.Request) error {
	if err := a.owner(r); err != nil {
		return err
	}
	var in Password
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAct)).Decode(&in); err != nil {
		return wrong("%v", err)
	}
	login := r.PathValue("login")
	if in.Password != "" { // of somebody who has left it can still be taken away
		if err := a.clerkNamed(login); err != nil {
			return err
		}
	}
	if err := a.Keyring.SetPassword(r.Context(), login, in.Password); err != nil {
		return fmt.Errorf("%w: %w", errWrong, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) addToken(w http.ResponseWriter, r *http.Request) error {
	if err := a.owner(r); err != nil {
		return err
	}
	var in Token
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAct)).Decode(&in); err != nil {
		return wrong("%v", err)
	}
	if err := a.clerkNamed(in.Login); err != nil {
		return err
	}
	t, err := a.Keyring.AddToken(r.Context(), in)
	if err != nil {
		return err
	}
	return newLines(w).write(t)
}

func (a *API) tokens(w http.ResponseWriter, r *http.Request) error {
	if err := a.owner(r); err != nil {
		return err
	}
	all, err := a.Keyring.Tokens(r.Context())
	if err != nil {
		return err
	}
	out := newLines(w)
	for _, t := range all {
		if err := out.write(t); err != nil {
			return nil
		}
	}
	return nil
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if err := a.owner(r); err != nil {
		return err
	}
	if err := a.Keyring.RevokeToken(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
