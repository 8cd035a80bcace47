package web

type oidcLogin struct{}
