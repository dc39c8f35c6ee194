// Watches a payment, and logs in at the router. Without it, pages refresh and buttons do the rest.
// Written for old phones: no modules, no arrow functions, no fetch.
(function () {
  "use strict";
  var main = document.querySelector("main");
  var said = document.getElementById("said");
  var stream = null, newest = null, timer = 0, isDeaf = !window.EventSource;
  var shown = main.innerHTML.trim(), began = Date.now() - 1000 * (+said.getAttribute("data-waited") || 0);

  // --- the form that was sent: one tap is one wish

  function busy(form) {
    var button = form.querySelector("button[data-busy]");
    if (!button) return;
    button.setAttribute("data-text", button.textContent);
    button.textContent = button.getAttribute("data-busy");
    // Not at once: a disabled button would not be sent with its form.
    setTimeout(function () { button.disabled = true; }, 0);
  }

  function free() {
    var buttons = document.querySelectorAll("button[data-text]");
    for (var i = 0; i < buttons.length; i++) {
      buttons[i].disabled = false;
      buttons[i].textContent = buttons[i].getAttribute("data-text");
    }
  }

  // --- the login at the router

  function answer(form) {
    // Only where the router offered a challenge; then chap.js is on this page too.
    var id = form.getAttribute("data-chap-id");
    if (id === null || !window.chap) return;
    form.password.value = window.chap(id, form.password.value, form.getAttribute("data-chap-challenge"));
    form.removeAttribute("data-chap-id");
  }

  function logInOnce() {
    var form = main.querySelector("form[data-once]");
    if (!form) return;
    try {
      // A guest who comes back to this page by the back button wants to see it.
      var key = "login " + form.getAttribute("data-once");
      if (sessionStorage.getItem(key)) return;
      sessionStorage.setItem(key, "1");
    } catch (error) {
      return;
    }
    var hint = document.getElementById("hint");
    if (hint) hint.textContent = form.getAttribute("data-going");
    answer(form);
    form.submit();
  }

  document.addEventListener("submit", function (event) {
    answer(event.target);
    busy(event.target);
  });

  // --- the payment, live

  function load() {
    var source = main.getAttribute("data-source");
    if (!source) return;
    var request = newest = new XMLHttpRequest();
    request.open("GET", source);
    request.timeout = 10000;
    request.onload = function () {
      // Answers may overtake one another.
      if (request.status === 200 && request === newest) show(request.responseText);
      next();
    };
    request.onerror = request.ontimeout = function () {
      next(3);
    };
    request.send();
  }

  function show(text) {
    var whole = document.createElement("div");
    whole.innerHTML = text;
    var fresh = whole.querySelector("main");
    if (!fresh || fresh.innerHTML.trim() === shown) return;
    if (fresh.hasAttribute("data-whole")) {
      // Its form leads to the router: the policy of this page may not know that address.
      location.replace(fresh.getAttribute("data-whole"));
      return;
    }
    shown = fresh.innerHTML.trim();
    var before = heading(), at = document.activeElement;
    var link = at && main.contains(at) ? at.getAttribute("href") : null;
    main.parentNode.replaceChild(fresh, main);
    main = fresh;
    if (heading() !== before) said.textContent = heading();
    var same = link && main.querySelector('a[href="' + link + '"]');
    if (same) same.focus();
    begin();
  }

  function heading() {
    var found = main.querySelector("h1");
    return found ? found.textContent : "";
  }

  function next(seconds) {
    clearTimeout(timer);
    var every = +main.getAttribute("data-every");
    // With live events too: one of them may be lost on its way.
    if (every) timer = setTimeout(load, 1000 * (seconds || (stream ? 15 : every)));
  }

  function listen() {
    var events = main.getAttribute("data-events");
    if (stream && stream.at !== events) hangUp();
    if (!events || isDeaf || stream) return;
    stream = new EventSource(events);
    stream.at = events;
    // Some networks hold streams back: then ask again and again instead.
    var patience = setTimeout(giveUp, 6000);
    stream.onmessage = function () {
      clearTimeout(patience);
      load();
    };
    stream.onerror = giveUp;
    function giveUp() {
      clearTimeout(patience);
      isDeaf = true;
      hangUp();
      next();
    }
  }

  function hangUp() {
    if (stream) stream.close();
    stream = null;
  }

  // --- how long the guest has waited

  function tick() {
    var clock = main.querySelector(".clock");
    if (!clock) return;
    var seconds = Math.floor((Date.now() - began) / 1000);
    clock.textContent = Math.floor(seconds / 60) + ":" + ("0" + (seconds % 60)).slice(-2);
    var hint = main.querySelector("[data-after]");
    if (hint && seconds >= +hint.getAttribute("data-after")) hint.hidden = false;
  }

  function begin() {
    tick();
    logInOnce();
    listen();
    next();
  }

  setInterval(tick, 1000);
  window.addEventListener("pageshow", function (event) {
    free();
    if (event.persisted) load();
  });
  window.addEventListener("online", load);
  document.addEventListener("visibilitychange", function () {
    // Back from the SMS or from M-Pesa's prompt: look at once.
    if (!document.hidden) load();
  });
  begin();
})();
