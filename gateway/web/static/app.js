// The little that pages do better with a script. Everything works without it.
"use strict";
(() => {
	const body = document.body, $ = (s, in_ = document) => in_.querySelector(s);
	const news = $("#news");

	// New entries: the server says that something came, never what.
	// Lists in use are left alone until their reader asks.
	const lists = () => $("#lists");
	const inUse = l => l.contains(document.activeElement) || $("input:checked:not([data-all])", l) || $("details[open]", l);
	async function refresh() {
		const res = await fetch(location.href, {headers: {"X-Background": "1"}});
		if (!res.ok) return;
		const page = new DOMParser().parseFromString(await res.text(), "text/html");
		const fresh = $("#lists", page);
		if (fresh && lists()) lists().replaceWith(document.adoptNode(fresh));
	}
	function tell() {
		const l = lists();
		news.replaceChildren(body.dataset.news + " ");
		if (!l) return;
		if (!inUse(l)) { refresh(); return; }
		const b = document.createElement("button");
		b.type = "button";
		b.textContent = body.dataset.refresh;
		b.onclick = () => { news.replaceChildren(); refresh(); };
		news.append(b);
	}
	if (body.dataset.live && lists() && window.EventSource) {
		const source = new EventSource(body.dataset.live);
		source.addEventListener("news", tell);
		addEventListener("pagehide", () => source.close());
	}

	// The session ends by itself; nobody is thrown out without a word.
	const ending = $("#ending");
	let timer;
	function watch(seconds) {
		clearTimeout(timer);
		ending.hidden = true;
		timer = setTimeout(() => { ending.hidden = false; $("#stay").focus(); }, Math.max(0, seconds - 120) * 1000);
	}
	if (body.dataset.ends) {
		watch(+body.dataset.ends);
		$("#stay").onclick = async () => {
			const res = await fetch("/stay", {method: "POST"});
			if (res.ok) watch(+(await res.text())); else location.reload();
		};
	}

	// All or none of a list.
	addEventListener("change", e => {
		if (!e.target.matches("[data-all]")) return;
		for (const box of e.target.form.querySelectorAll("[name=entry]")) box.checked = e.target.checked;
	});

	// A form is sent once, however often its button is pressed.
	addEventListener("submit", e => {
		const f = e.target;
		if (f.method !== "post" || f.dataset.sent) { if (f.dataset.sent) e.preventDefault(); return; }
		f.dataset.sent = "1";
		addEventListener("pageshow", () => delete f.dataset.sent, {once: true});
		setTimeout(() => delete f.dataset.sent, 5000);
	});

	// Keys for lists; they can be switched off, and never act while one writes.
	const keys = $("#keys");
	if (keys) {
		keys.checked = localStorage.getItem("keys") !== "off";
		keys.onchange = () => localStorage.setItem("keys", keys.checked ? "on" : "off");
	}
	const rows = () => [...document.querySelectorAll("[data-list] tr")];
	const current = () => document.activeElement.closest("[data-list] tr");
	function move(by) {
		const all = rows();
		if (!all.length) return;
		const i = all.indexOf(current());
		const next = all[i < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, i + by))];
		$("a", next).focus();
		next.scrollIntoView({block: "nearest"});
	}
	addEventListener("keydown", e => {
		if (!keys?.checked || e.ctrlKey || e.altKey || e.metaKey || e.target.matches("input:not([type=checkbox]), textarea, select")) return;
		const row = current();
		switch (e.key) {
		case "j": move(1); break;
		case "k": move(-1); break;
		case "o": if (row) $("a", row).click(); break;
		case "x": { const box = row && $("[name=entry]", row); if (box) box.checked = !box.checked; break; }
		case "a": {
			const box = row && $("[name=entry]", row);
			if (!box) return;
			if (!$("[name=entry]:checked", box.form)) box.checked = true;
			box.form.requestSubmit();
			break;
		}
		case "/": { const q = $("[name=q]"); if (q) q.focus(); else location.href = "/search"; break; }
		default: return;
		}
		e.preventDefault();
	});
})();
