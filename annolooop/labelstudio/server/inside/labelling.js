// Keys of the labelling page, where its label config is one of annoloop's.
//
// Space submits. The key of a label chooses it, also where it is chosen already (Label Studio alone takes it away
// then); with the class annoloop-one-key it submits, too.
//
// A key is about the picture that was there when it was pressed. One that comes before the page is ready for it is
// kept until then. One that comes before the picture itself is no answer to it: it is chosen when the picture comes,
// for the person to see, and not submitted.
//
// In the tab of a review the picture has an answer. Space, or its label's key, confirms that; the key of another
// label corrects it. Why it is asked about stands above the labels.
(() => {
  "use strict";

  // Frames, since a busy machine has few of them a second: for the button to come, and for it to do something.
  const FRAMES_TO_PRESS = 600, FRAMES_TO_SUBMIT = 60, FRAMES_TO_SEE_A_CHANGE = 30;
  const SECONDS_OF_NOTE = 6, SET_ASIDE = 300;
  const TEXT = "textarea, select, "
    + "input:not([type=radio]):not([type=checkbox]):not([type=button]):not([type=submit])";
  const ELSEWHERE = "button, a[href], input, [role=button], [tabindex]";

  let seen = null;       // the task whose picture is there
  let frames = 0;        // for how many frames
  let sending = null;    // {task, frames, pressed, begun}: its answer is on the way
  let submitting = false;
  let kept = null;       // {task, key}: pressed about it, before the page was ready
  let early = null;      // key that was pressed before the next picture was there
  let spaceIsOurs = false;
  let classes = null;    // of our page; while the next task is loaded, the page is not there

  // A review has these keys with a label config of people's own, too.
  const root = () => document.querySelector(".annoloop")
    ?? (window.Htx?.task && reasonOf(window.Htx) !== null ? document.querySelector(".lsf-main-view__annotation") : null);

  function page() {
    const store = window.Htx?.task ? window.Htx : null;
    classes = (store && root()?.classList) || (store?.isLoading ? classes : null);
    return classes && store;
  }

  const taskOf = (store) => String(store.task.id);
  const tags = (store) => [...(store.annotationStore?.selected?.names?.values() ?? [])];
  const oneKey = () => classes.contains("annoloop-one-key");
  const reasonOf = (store) => store.task.dataObj?.annoloop_review ?? null; // only in the stream of a review

  function choiceOf(store, key) {
    for (const control of tags(store).filter((tag) => tag.type === "choices")) {
      const choice = control.tiedChildren?.find((one) => (one.hotkey ?? "").toLowerCase() === key);
      if (choice) return choice;
    }
    return null;
  }

  function pictureIsThere(store) {
    const image = root()?.querySelector(".annoloop-picture img, img");
    const tag = tags(store).find((one) => one.type === "image");
    const entity = tag?.imageEntities?.[tag.currentImage ?? 0];
    if (root() && entity?.error) return true; // people see that it cannot be shown
    if (!image || !image.complete || !image.naturalWidth) return false;
    return !entity?.currentSrc || entity.currentSrc === image.src;
  }

  function watch() {
    requestAnimationFrame(watch);
    const store = page();
    if (!store) {
      seen = kept = early = sending = null;
      return;
    }
    const task = taskOf(store);
    if (store.isSubmitting && !submitting) {
      sending = { task, begun: true };
      if (kept && kept.key !== " ") early = kept.key; // it came after the answer
      kept = null;
    }
    submitting = Boolean(store.isSubmitting);
    if (sending && (sending.task !== task || (sending.begun ? !submitting : refused(sending)))) sending = null;
    if (!root()) seen = null; // it was sent, and the next one is loaded
    if (root() && reasonOf(store) !== null) showReason(store);
    if (seen !== task) {
      seen = null;
      frames = !store.isLoading && pictureIsThere(store) ? frames + 1 : 0;
      if (frames < 2) return; // it is painted by then
      seen = task;
      frames = 0;
    }
    if (kept?.task !== task) kept = null;
    if (sending || submitting || store.isLoading) return;
    if (early) {
      const key = early;
      early = null;
      if (choose(store, key)) note(key);
    }
    if (kept) {
      const { key } = kept;
      kept = null;
      answer(store, key);
    }
  }

  const refused = (one) => dialogIsOpen() || (one.frames += 1) > (one.pressed ? FRAMES_TO_SUBMIT : FRAMES_TO_PRESS);

  const dialogIsOpen = () => [...document.querySelectorAll("[role=dialog], .ant-modal, [class*=modal-ls_visible]")]
    .some((dialog) => dialog.getClientRects().length);

  function choose(store, key) {
    const choice = choiceOf(store, key);
    if (choice && !choice.sel) choice.toggleSelected();
    return choice;
  }

  function answer(store, key) {
    if (key === " ") return submit(store);
    const choice = choose(store, key);
    if (choice && (oneKey() || reasonOf(store) !== null)) submit(store, true);
  }

  // Label Studio misses a change that comes while it opens an answer; its button waits for one then.
  const misses = (store) => store.annotationStore?.selected?.pk && sending.frames > FRAMES_TO_SEE_A_CHANGE;

  function submit(store, changed = false) {
    hush();
    sending = { task: taskOf(store), frames: 0, pressed: false, begun: false };
    const press = () => {
      if (!sending || sending.begun) return;
      if (reasonOf(store) !== null) return update(store);
      const button = document.querySelector("button[name=submit]");
      if (!button || button.disabled) { // it is drawn anew after a choice
        if (changed && misses(store)) return update(store);
        return void requestAnimationFrame(press);
      }
      Object.assign(sending, { frames: 0, pressed: true });
      button.click();
    };
    press();
  }

  // The button wants a change. Where several people answered, this answer settles it.
  const update = (store) => store.updateAnnotation(store.task.dataObj.annoloop_settles ? { ground_truth: true } : {});

  function press(event) {
    const store = page();
    const key = keyOf(event);
    if (store && event.key === "ArrowRight" && key && seen && reasonOf(store) !== null && !elsewhere(event, key)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!event.repeat && !sending && !store.isSubmitting) later(store);
      return;
    }
    if (store && event.ctrlKey && event.key === " " && reasonOf(store) !== null) { // Skip, of Label Studio
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    if (!store || !key || elsewhere(event, key)) return;
    const choice = key === " " ? null : choiceOf(store, key);
    if (key !== " " && (!choice || choice.parent?.choice === "multiple")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    spaceIsOurs = key === " ";
    if (event.repeat) return;
    const task = taskOf(store);
    if (seen !== task || sending?.begun) early = key === " " ? early : key;
    else if (sending || store.isSubmitting || store.isLoading) kept = { task, key };
    else answer(store, key);
  }

  // As Label Studio reads it: the place of a digit counts, whatever a keyboard writes there.
  function keyOf(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.isComposing) return "";
    const code = event.keyCode >= 96 && event.keyCode <= 105 ? event.keyCode - 48 : event.keyCode;
    return String.fromCharCode(code).toLowerCase();
  }

  // It is for something else: a text, a dialog, or a button that was reached by Tab.
  function elsewhere(event, key) {
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest(TEXT) || target.isContentEditable) return true;
    if (dialogIsOpen()) return true;
    return key === " " && target.matches(ELSEWHERE) && target.matches(":focus-visible");
  }

  function note(key) {
    hush();
    const line = document.createElement("div");
    line.id = "annoloop-note";
    line.setAttribute("role", "status");
    line.textContent = `${key.toUpperCase()} was pressed before this picture was here. It is chosen, not submitted: `
      + (oneKey() ? `press ${key.toUpperCase()} again, or Space.` : "Space submits it.");
    line.style.cssText = "position:fixed;left:50%;bottom:70px;transform:translateX(-50%);z-index:1000;padding:8px 14px;"
      + "border-radius:6px;background:#333;color:#fff;max-width:90vw";
    document.body.append(line);
    setTimeout(() => line.remove(), 1000 * SECONDS_OF_NOTE);
  }

  // Its own place in the answers of the server, which goes by the cookie, is the last one.
  function later(store) {
    const before = document.cookie.match(/(?:^|; )annoloop_later=([\d.]*)/)?.[1].split(".") ?? [];
    const tasks = [...before.filter((one) => one && one !== taskOf(store)), taskOf(store)].slice(-SET_ASIDE);
    document.cookie = `annoloop_later=${tasks.join(".")}; path=/; SameSite=Lax`;
    location.reload();
  }

  function showReason(store) {
    const ask = root().querySelector(".annoloop-ask") ?? root();
    if ( document.getElementById("annoloop-reason")) return;
    const block = document.createElement("div"), why = document.createElement("b"), style = document.createElement("style");
    block.id = "annoloop-reason";
    why.textContent = reasonOf(store);
    // Label Studio's own Skip would take the label away.
    style.textContent = "#annoloop-reason { margin: 0 0 10px; padding: 10px 12px; border-radius: 6px; "
      + "background: var(--color-warning-background, #fff3d6); border: 1px solid var(--color-warning-border, #d9a300) } "
      + "#annoloop-reason button { margin: 8px 8px 0 0; padding: 4px 10px; border-radius: 6px; cursor: pointer; "
      + "border: 1px solid var(--color-neutral-border, #bbb); background: var(--color-neutral-background, #fff); "
      + "color: inherit } #annoloop-reason sup { top: 0; opacity: .75; margin-left: 4px } "
      + "button[name=skip], button[aria-label=skip-task] { display: none }";
    block.append(style, why, document.createElement("br"));
    const button = (text, key, act) => {
      const made = document.createElement("button"), hint = document.createElement("sup");
      made.type = "button";
      hint.textContent = `[${key}]`;
      made.append(text, hint);
      made.addEventListener("click", () => {
        const now = page();
        if (now && seen === taskOf(now) && !sending && !now.isSubmitting) act(now);
      });
      block.append(made);
    };
    button("The label is right", "Space", submit);
    button("Later", "\u2192", later);
    ask.prepend(block);
  }

  const hush = () => document.getElementById("annoloop-note")?.remove();

  window.addEventListener("keydown", press, true);
  window.addEventListener("keyup", (event) => {
    if (event.key === " " && spaceIsOurs) { // else a button that was clicked before is clicked again
      event.preventDefault();
      event.stopImmediatePropagation();
      spaceIsOurs = false;
    }
  }, true);
  requestAnimationFrame(watch);
})();
