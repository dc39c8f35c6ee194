"use strict";
// Live parts of a page: events come as they happen, and what they change is asked for anew.
(() => {
  const body = document.body;
  for (const button of document.querySelectorAll(".copy")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (!button) return;
    const text = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = "Selected: copy it by Ctrl-C";
    }
  });
  if (!body.dataset.feed) return;

  const words = JSON.parse(body.dataset.feed);
  const live = new Set(body.dataset.live.split(" "));
  const sign = document.getElementById("stream");
  const feed = document.getElementById("feed");
  const MOST = 60;
  let source = null;
  let due = 0;
  let asking = false;

  const said = (on) => {
    sign.classList.toggle("on", on);
    sign.querySelector(".words").textContent = on ? "live" : "not live";
  };

  const plain = (value) => {
    if (value === null || value === undefined) return "?";
    if (value.currency) return `${value.currency} ${(value.amount / 100).toLocaleString("en")}`;
    return String(value).replace(/^254(\d{3})(\d{3})(\d{3})$/, "0$1 $2 $3").replaceAll("_", " ");
  };

  const mood = (name, data) => {
    if (/Failed|Raised|Suspended/.test(name) || data.status === "offline" || data.state === "failed") return "bad";
    if (name === "PromiseChecked") return data.broken ? "bad" : "good";
    if (/Completed|Started|Delivered|Cleared|Connected|Redeemed/.test(name)) return "good";
    return /Requested|Expired|Reversed/.test(name) ? "waits" : "";
  };

  const show = (name, data) => {
    if (!feed) return;
    document.getElementById("quiet").hidden = true;
    const line = document.createElement("li");
    line.className = `new ${mood(name, data)}`;
    line.dataset.event = name;
    const text = words[name].replace(/\{(\w+)\}/g, (_, field) => plain(data[field]));
    const at = document.createElement("small");
    at.textContent = `${new Date().toLocaleTimeString("en-GB", { timeZone: "Africa/Nairobi" })} ${name}`;
    if (data.payment_id) {
      const link = document.createElement("a");
      link.href = `/dashboard/payments/${encodeURIComponent(data.payment_id)}`;
      link.textContent = text;
      line.append(link, at);
    } else line.append(text, at);
    feed.prepend(line);
    while (feed.children.length > MOST) feed.lastChild.remove();
  };

  const isInUse = (part) => part.contains(document.activeElement) || part.querySelector("details[open]");

  const renew = async () => {
    if (asking) return later(1000);
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname.endsWith("/login")) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && !isInUse(part) && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
      }
      for (const button of document.querySelectorAll(".copy")) button.hidden = false;
      const parts = [...page.querySelectorAll(".part[data-part]")];
      if (parts.some((part) => !document.getElementById(part.id))) location.reload();
    } catch {
      later(5000);
    } finally {
      asking = false;
    }
  };

  const later = (wait) => {
    if (!due) due = setTimeout(() => { due = 0; renew(); }, wait);
  };

  // New money is in the figures once they are worked out: at most every three seconds, and always
  // once more after the last event.
  let resting = false;
  let wanted = false;
  const workOut = () => {
    if (!feed) return;
    wanted = resting;
    if (resting) return;
    resting = true;
    setTimeout(() => { resting = false; if (wanted) workOut(); }, 3000);
    setTimeout(() => fetch("/dashboard/refresh", {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ form_key: body.dataset.key }),
      redirect: "manual",
    }).catch(() => {}), 300);
  };

  const heard = (event) => {
    let data;
    try { data = JSON.parse(event.data); } catch { return; }
    show(event.type, data);
    if (/^Payment|^Session/.test(event.type)) workOut();
    if (live.has(event.type)) later(250);
  };

  const begin = () => {
    if (source) return;
    source = new EventSource("/dashboard/events");
    source.onopen = () => {
      said(true);
      workOut(); // the page was drawn from figures that may be some minutes old
    };
    source.onerror = () => {
      said(false);
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(() => { renew(); begin(); }, 5000);
      }
    };
    for (const name of Object.keys(words)) source.addEventListener(name, heard);
  };

  // A browser opens six connections to one host: tabs that nobody looks at must not hold them.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      if (source) source.close();
      source = null;
      said(false);
    } else {
      begin();
      if (live.size) renew();
    }
  });
  if (!document.hidden) begin();
})();
