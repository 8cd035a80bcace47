package main

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"text/tabwriter"

	"kancelaria/gateway/api"
	"kancelaria/registry"
)

type caseCmd struct {
	List  caseListCmd  `cmd:"" help:"The list of cases (spis spraw)."`
	Show  caseShowCmd  `cmd:"" help:"Show a case or folder and its entries."`
	Open  caseOpenCmd  `cmd:"" help:"Make a case of a folder."`
	Join  caseJoinCmd  `cmd:"" help:"Join a folder to another folder or case."`
	Move  caseMoveCmd  `cmd:"" help:"Move a case to another class or department: a new number, cross-references both ways."`
	Close caseCloseCmd `cmd:"" help:"Close a case."`
}

type caseListCmd struct {
	Class      string `help:"Of one class."`
	Department string `help:"Of one department."`
	Year       int    `help:"Begun in a year."`
	State      string `default:"open" help:"open, closed, working, none."`
	Limit      int    `default:"100" help:"At most so many."`
}

func (c *caseListCmd) Run(e *env) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}, "state": {c.State}, "class": {c.Class}, "department": {c.Department}}
	if c.Year != 0 {
		q.Set("year", strconv.Itoa(c.Year))
	}
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	err := ask(e, "folders", q, func(f api.Folder) error {
		_, err := fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\n", dash(f.Case), f.Folder, f.State, dash(f.Clerk), f.CaseAt, cell(f.Title, 60))
		return err
	})
	return flushed(tab, err)
}

type caseShowCmd struct {
	Case string `arg:"" help:"A case number or folder."`
}

func (c *caseShowCmd) Run(e *env) error {
	return ask(e, "folders/"+url.PathEscape(c.Case), nil, func(f api.Folder) error { return showFolder(e.stdout, f) })
}

type caseOpenCmd struct {
	Folder     string `arg:"" help:"A folder, K-RPW-…"`
	Class      string `help:"The class; default: the folder's."`
	Department string `help:"The department; default: the folder's."`
	signed
}

func (c *caseOpenCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActOpenCase, Folder: c.Folder, Class: c.Class, Department: c.Department, By: c.By, Reason: c.Reason})
}

type caseJoinCmd struct {
	Folder string `arg:"" help:"The folder that is joined."`
	To     string `arg:"" help:"The folder or case it joins."`
	signed
}

func (c *caseJoinCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActJoinCase, Folder: c.Folder, To: c.To, By: c.By, Reason: c.Reason})
}

type caseMoveCmd struct {
	Case       string `arg:"" help:"A case number or folder."`
	Class      string `required:"" help:"The new class."`
	Department string `help:"The new department; default: as before."`
	signed
}

func (c *caseMoveCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActMoveCase, Folder: c.Case, Class: c.Class, Department: c.Department, By: c.By, Reason: c.Reason})
}

type caseCloseCmd struct {
	Case string `arg:"" help:"A case number or folder."`
	signed
}

func (c *caseCloseCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActCloseCase, Folder: c.Case, By: c.By, Reason: c.Reason})
}

type folderCmd struct {
	Show  caseShowCmd `cmd:"" help:"Show a folder and its entries."`
	Split splitCmd    `cmd:"" help:"Take an entry out of the folder it was joined to; its own is opened again."`
}

type splitCmd struct {
	Number string `arg:"" help:"A register number."`
	signed
}

func (c *splitCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActSplit, Number: c.Number, By: c.By, Reason: c.Reason})
}

type quarantineCmd struct {
	List    itemsCmd   `cmd:"" help:"List what was kept out of the book."`
	Show    itemCmd    `cmd:"" help:"Show one item."`
	Release releaseCmd `cmd:"" help:"Take an item into the book, with its own arrival."`
	Reject  rejectCmd  `cmd:"" help:"Say that an item stays out."`
}

type besideCmd struct {
	List    besideListCmd `cmd:"" help:"List what was filed beside the book."`
	Promote releaseCmd    `cmd:"" help:"Take an item into the book."`
}

type itemsCmd struct {
	Limit int `default:"100" help:"At most so many."`
}

func (c *itemsCmd) Run(e *env) error { return listItems(e, registry.Quarantined, c.Limit) }

type besideListCmd struct {
	Limit int `default:"100" help:"At most so many."`
}

func (c *besideListCmd) Run(e *env) error { return listItems(e, registry.Beside, c.Limit) }

func listItems(e *env, d registry.Disposition, limit int) error {
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	q := url.Values{"disposition": {string(d)}, "limit": {strconv.Itoa(limit)}}
	err := ask(e, "items", q, func(i api.Item) error {
		_, err := fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\n", i.ItemID, i.AcceptedAt, i.Reason, cell(i.Sender.Email, 40), cell(i.Subject, 50))
		return err
	})
	return flushed(tab, err)
}

type itemCmd struct {
	Item string `arg:"" help:"An item id."`
}

func (c *itemCmd) Run(e *env) error {
	return ask(e, "items/"+url.PathEscape(c.Item), nil, func(i api.Item) error { return showItem(e.stdout, i) })
}

type releaseCmd struct {
	Item string `arg:"" help:"An item id."`
	signed
}

func (c *releaseCmd) Run(e *env) error {
	o, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(o, func() error {
		q := url.Values{"reason": {c.Reason}, "by": {c.By}}
		body, err := o.do(e.ctx, "POST", "items/"+url.PathEscape(c.Item)+"/release?"+q.Encode(), "", io.Reader(nil))
		if err != nil {
			return err
		}
		return print(e, body, func(o registry.Outcome) error { return showOutcome(e, "registered", o) })
	})
}

type rejectCmd struct {
	Item string `arg:"" help:"An item id."`
	signed
}

func (c *rejectCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActReject, Subject: c.Item, By: c.By, Reason: c.Reason})
}
