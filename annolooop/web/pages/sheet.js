// The contact sheet: one page of images is judged while the next is fetched and the last is saved.

const $ = (id) => document.getElementById(id);
const SMALLEST = 12, LARGEST = 60, GAP = 3, LONG_PRESS = 500, RETRY = [1, 2, 4, 8, 15];
const OUTBOX = "annoloop-outbox"; // answers that are not saved yet; of this tab alone

let about = null;
let page = null; // {tiles, label, ..., answers: Map(task -> label or null), begun, entry}
let upcoming = []; // pages that were fetched, or taken back
let fetching = null;
let turning = null; // the page is turned: one at a time
let ended = false; // the server has no page left
let last = null; // the page before, which can be taken back
let marked = new Set(); // places of tiles
let at = 0; // place of the tile that keys are about
let anchor = 0; // where a range of marks began
let outbox = JSON.parse(sessionStorage.getItem(OUTBOX) ?? "[]");
let sending = null;
let again = null; // the label that was given last
const tally = { judged: 0, changed: 0, seconds: 0 };

class LoggedOut extends Error {}

async function ask(path, body) {
  const how = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const response = await fetch(path, how);
  const value = await response.json();
  if (response.status === 401) {
    trouble(`You are not logged in. <a target="_blank" href="${value.login}">Log in</a>, then press Enter.`);
    throw new LoggedOut();
  }
  if (!response.ok) throw new Error(value.error);
  return value;
}

function trouble(html) {
  $("trouble").hidden = !html;
  $("trouble").innerHTML = html ?? "";
}

const text = (value) => Object.assign(document.createElement("i"), { textContent: value }).innerHTML;

// ---- pages ------------------------------------------------------------------------------------

function layout() {
  const box = $("grid").getBoundingClientRect();
  const wish = Math.min(170, Math.max(105, box.width / 8));
  let columns = Math.max(3, Math.floor((box.width + GAP) / (wish + GAP)));
  let rows = Math.max(1, Math.floor((box.height + GAP) / (wish + GAP)));
  while (columns * rows < SMALLEST) rows += 1;
  while (columns * rows > LARGEST) rows > columns ? rows -= 1 : columns -= 1;
  const side = Math.floor(Math.min((box.width + GAP) / columns, (box.height + GAP) / rows) - GAP);
  return { columns, side, count: columns * rows };
}

async function fetchPage(anew) {
  const found = await ask(`api/page?size=${layout().count}${anew ? "&anew" : ""}`);
  ended = !found;
  if (!found) return null;
  for (const tile of found.tiles) new Image().src = `thumbnails/${tile.sha256}`;
  return { ...found, blind: !found.label, answers: new Map(found.tiles.map((tile) => [tile.task, shown(tile)])) };
}

// What a tile is before anybody touches it; nothing on a blind page.
const shown = (tile) => tile.label || undefined;

function prefetch(anew = false) {
  fetching ??= fetchPage(anew).then((found) => { if (found) upcoming.push(found); })
    .catch(explain).finally(() => { fetching = null; });
  return fetching;
}

function explain(error) {
  if (!(error instanceof LoggedOut)) trouble(`The next page is missing: ${text(error.message)}. Press Enter to try again.`);
}

function nextPage(anew = false) {
  page = null;
  turning ??= turn(anew).finally(() => { turning = null; });
  return turning;
}

async function turn(anew) {
  if (!upcoming.length) { draw(); await prefetch(anew); }
  if (page) return; // the one before was taken back meanwhile
  page = upcoming.shift() ?? null;
  if (page) { page.begun = performance.now(); trouble(); }
  at = anchor = 0;
  marked.clear();
  draw();
  if (page) prefetch();
}

// ---- what is shown ----------------------------------------------------------------------------

function draw() {
  const grid = $("grid");
  grid.replaceChildren();
  $("submit").disabled = !page;
  if (!page) {
    $("question").textContent = ended ? "Nothing is left to judge" : "Loading…";
    if (ended) grid.append(Object.assign(document.createElement("p"), {
      className: "done", textContent: "Every image that can be judged here is answered. Go on in the terminal: annoloop next",
    }));
    drawCounts();
    return;
  }
  const { columns, side } = layout();
  grid.style.gridTemplateColumns = `repeat(${columns}, ${side}px)`;
  grid.style.gridAutoRows = `${side}px`;
  drawQuestion();
  page.tiles.forEach((tile, place) => {
    const button = Object.assign(document.createElement("button"), { className: "tile", tabIndex: place === at ? 0 : -1 });
    const image = Object.assign(new Image(), { src: `thumbnails/${tile.sha256}`, alt: "", draggable: false });
    button.append(image);
    if (tile.twins.length) button.append(Object.assign(document.createElement("span"), {
      className: "times", textContent: `× ${tile.twins.length + 1}`, title: "nearly the same picture, answered together",
    }));
    grid.append(button);
    drawTile(place);
  });
  grid.children[at]?.focus({ preventScroll: true });
  drawCounts();
}

function drawQuestion() {
  const blind = again ? `Which are ${again}?` : "Choose a label below";
  $("question").dataset.page = `${page.number}-${page.tiles.length}`;
  $("question").textContent = page.blind ? blind : `All ${page.label}?`;
}

function drawTile(place) {
  const tile = page.tiles[place], button = $("grid").children[place];
  const answer = page.answers.get(tile.task), skipped = answer === null;
  const changed = answer !== shown(tile);
  button.toggleAttribute("data-changed", changed);
  button.toggleAttribute("data-skipped", skipped);
  button.toggleAttribute("data-marked", marked.has(place));
  button.querySelector(".says")?.remove();
  if (changed) button.append(Object.assign(document.createElement("span"), {
    className: "says", textContent: skipped ? "skipped" : answer,
  }));
  const many = tile.twins.length ? `, ${tile.twins.length + 1} pictures that are nearly the same` : "";
  button.setAttribute("aria-label", `image ${place + 1} of ${page.tiles.length}${many}: ${skipped ? "skipped" : answer ?? "no label"}`
    + `${marked.has(place) ? ", marked" : ""}. Space: ${flipped(tile, answer) ?? "no label"}`);
}

const pages = (number) => `${number} ${number === 1 ? "page" : "pages"} left`;

function drawCounts() {
  const changes = page ? page.tiles.filter((tile) => page.answers.get(tile.task) !== shown(tile)).length : 0;
  $("changed").toggleAttribute("data-none", !changes && !marked.size);
  $("changed").textContent = marked.size ? `${marked.size} marked ×` : `${changes} ${page?.blind ? "labelled" : "changed"} ×`;
  $("undo").disabled = !last;
  const total = about ? about.left : 0, unsaved = outbox.length;
  const parts = [`${tally.judged} of ${total}`];
  if (page) parts.push(pages(Math.ceil((total - tally.judged) / page.tiles.length)));
  if (tally.seconds > 5) parts.push(`${Math.round(60 * tally.judged / tally.seconds)} a minute`);
  if (tally.changed) parts.push(`${tally.changed} corrected`);
  if (unsaved) parts.push(`${unsaved} ${unsaved === 1 ? "page is" : "pages are"} being saved`);
  $("progress").textContent = parts.join(" · ");
}

// ---- what people do ---------------------------------------------------------------------------

function move(place) {
  if (place < 0 || place >= page.tiles.length) return;
  const tiles = $("grid").children;
  tiles[at].tabIndex = -1;
  at = place;
  tiles[at].tabIndex = 0;
  tiles[at].focus({ preventScroll: true });
}

function flipped(tile, answer) {
  if (page.blind) return answer === undefined ? again ?? undefined : undefined;
  return answer === tile.label ? tile.second : tile.label;
}

function flip(place) {
  const tile = page.tiles[place];
  give([place], flipped(tile, page.answers.get(tile.task)));
}

function give(places, label) {
  for (const place of places) { page.answers.set(page.tiles[place].task, label); drawTile(place); }
  drawCounts();
}

function chosen() { return marked.size ? [...marked] : [at]; }

function label(name) {
  again = name;
  if (!page.blind || marked.size) give(chosen(), name);
  unmark();
  drawQuestion();
  for (const button of $("labels").children) button.setAttribute("aria-pressed", String(button.value === name));
}

function unmark() {
  const before = [...marked];
  marked.clear();
  before.forEach(drawTile);
  drawCounts();
}

function mark(places) {
  for (const place of places) { marked.add(place); drawTile(place); }
  drawCounts();
}

function zoom() {
  const box = $("zoom");
  if (box.open) { box.close(); return; }
  box.querySelector("img").src = `pictures/${page.tiles[at].sha256}`;
  box.showModal();
}

function help() {
  const shown = $("keys").hidden;
  $("keys").hidden = !shown;
  $("help").setAttribute("aria-expanded", String(shown));
}

// ---- answers ----------------------------------------------------------------------------------

function submit() {
  if (!page) { nextPage(); send(); return; }
  const answers = {};
  let seconds = (performance.now() - page.begun) / 1000;
  const given = page.tiles.filter((tile) => page.answers.get(tile.task) !== undefined);
  for (const tile of given) for (const task of [tile.task, ...tile.twins]) answers[task] = page.answers.get(tile.task);
  const changed = given.filter((tile) => !page.blind && page.answers.get(tile.task) !== tile.label).length;
  if (!given.length) { nextPage(); return; }
  page.entry = { answers, seconds, annotations: {}, sent: false };
  tally.judged += Object.keys(answers).length;
  tally.changed += changed;
  tally.seconds += Math.min(seconds, 120);
  outbox.push(page.entry);
  keep();
  last = { ...page, tiles: given, changed };
  const rest = page.tiles.filter((tile) => !given.includes(tile));
  if (rest.length) upcoming.unshift({ ...page, tiles: rest, left: page.left - Object.keys(answers).length });
  send();
  nextPage();
}

function keep() { sessionStorage.setItem(OUTBOX, JSON.stringify(outbox)); }

function send() { sending ??= sendAll().finally(() => { sending = null; drawCounts(); }); return sending; }

async function sendAll() {
  for (let tries = 0; outbox.length;) {
    const entry = outbox[0];
    try {
      const saved = await ask("api/answers", { answers: entry.answers, seconds: entry.seconds });
      Object.assign(entry.annotations, saved.annotations);
      for (const task of saved.known) entry.annotations[task] ??= null;
      for (const task of Object.keys(entry.answers)) if (!(task in saved.failed)) delete entry.answers[task];
      if (Object.keys(entry.answers).length) throw new Error(Object.values(saved.failed)[0]);
      outbox.shift();
      entry.sent = true;
      tries = 0;
      if (outbox.length === 0) trouble();
    } catch (error) {
      keep();
      if (error instanceof LoggedOut) return;
      const wait = RETRY[Math.min(tries++, RETRY.length - 1)];
      trouble(`Not saved yet, and kept here: ${text(error.message)}. Trying again …`);
      await new Promise((done) => setTimeout(done, 1000 * wait));
    }
    keep();
    drawCounts();
  }
}

async function undo() {
  if (!last) return;
  const back = last, { entry } = back;
  last = null;
  drawCounts();
  if (outbox.includes(entry)) await send();
  try {
    if (Object.keys(entry.annotations).length) await ask("api/undo", entry.annotations);
  } catch (error) {
    last = back;
    drawCounts();
    trouble(`The page could not be taken back: ${text(error.message)}. Press U to try again.`);
    return;
  }
  tally.judged -= back.tiles.reduce((sum, tile) => sum + 1 + tile.twins.length, 0);
  tally.changed -= back.changed;
  if (page) upcoming.unshift(page);
  ended = false;
  page = { ...back, begun: performance.now() };
  at = anchor = 0;
  marked.clear();
  draw();
}

// ---- keys, mouse, touch -----------------------------------------------------------------------

const MOVES = {
  ArrowLeft: () => at - 1, ArrowRight: () => at + 1,
  ArrowUp: () => at - layout().columns, ArrowDown: () => at + layout().columns,
  Home: () => 0, End: () => page.tiles.length - 1,
};

document.addEventListener("keydown", (event) => {
  const { key } = event, plain = !(event.ctrlKey || event.metaKey || event.altKey);
  const other = event.target.closest?.("button:not(.tile)");
  if (other && (key === " " || key === "Enter")) return; // the button's own
  if ($("zoom").open && key !== "z" && key !== "Z") return;
  const name = about?.labels.find((one) => one.key && one.key === key.toLowerCase())?.name;
  let done = true;
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "a" && page) mark(page.tiles.keys());
  else if (!plain) done = false;
  else if (key === "Enter") { if (!event.repeat) submit(); }
  else if (key === "?") help();
  else if (key === "Escape") { $("keys").hidden = true; unmark(); }
  else if (name && page) label(name);
  else if (key === "u" || key === "U") undo();
  else if (!page) done = false;
  else if (key in MOVES) {
    const to = MOVES[key]();
    if (event.shiftKey) mark([at, Math.min(Math.max(to, 0), page.tiles.length - 1)]);
    move(to);
  }
  else if (key === " ") { if (marked.size) { [...marked].forEach(flip); unmark(); } else flip(at); }
  else if (key === "z" || key === "Z") zoom();
  else if (key === "s" || key === "S") { give(chosen(), null); unmark(); }
  else if (key === "r" || key === "R") { if (again) label(again); }
  else done = false;
  if (done) event.preventDefault();
});

let held = 0, pressed = false;
const placeOf = (event) => [...$("grid").children].indexOf(event.target.closest(".tile"));

$("grid").addEventListener("pointerdown", (event) => {
  const place = placeOf(event);
  pressed = false;
  clearTimeout(held);
  if (place >= 0) held = setTimeout(() => { pressed = true; move(place); zoom(); }, LONG_PRESS);
});
for (const end of ["pointerup", "pointercancel", "pointerleave"]) $("grid").addEventListener(end, () => clearTimeout(held));
$("grid").addEventListener("contextmenu", (event) => { if (pressed) event.preventDefault(); });
$("grid").addEventListener("click", (event) => {
  const place = placeOf(event);
  if (place < 0 || pressed) return;
  move(place);
  if (event.shiftKey) mark(Array.from({ length: Math.abs(place - anchor) + 1 }, (_, k) => Math.min(place, anchor) + k));
  else if (event.ctrlKey || event.metaKey) { marked.has(place) ? (marked.delete(place), drawTile(place), drawCounts()) : mark([place]); }
  else flip(place);
  if (!event.shiftKey) anchor = place;
});
$("zoom").addEventListener("click", () => $("zoom").close());
$("submit").addEventListener("click", submit);
$("undo").addEventListener("click", undo);
$("help").addEventListener("click", help);
$("skip").addEventListener("click", () => { if (page) { give(chosen(), null); unmark(); } });
$("changed").addEventListener("click", () => {
  if (marked.size) unmark();
  else page.tiles.forEach((tile, place) => give([place], shown(tile)));
});
addEventListener("beforeunload", (event) => { if (outbox.length) event.preventDefault(); });
addEventListener("resize", () => { if (page) draw(); });

async function begin() {
  try {
    about = await ask("api/sheet");
  } catch (error) {
    explain(error);
    return;
  }
  document.title = `${about.dataset}: contact sheet`;
  for (const { name, key } of about.labels) {
    const button = Object.assign(document.createElement("button"), { value: name });
    if (key) button.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    button.append(name);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => { if (page) { label(name); $("grid").children[at]?.focus(); } });
    $("labels").append(button);
  }
  send();
  await nextPage(true);
}

begin();
