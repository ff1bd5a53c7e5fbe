"use strict";
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const coarse = window.matchMedia("(pointer: coarse)").matches;
  const scheme = () => (dark.matches ? page.colours.dark : page.colours.light);

  // Colours are named in the figures: {css: name}.
  const paint = (value, colours) => {
    if (Array.isArray(value)) {
      return typeof value[0] === "object" || value.some(v => typeof v === "object")
        ? value.map(v => paint(v, colours)) : value;
    }
    if (value && typeof value === "object") {
      if (typeof value.css === "string") return colours[value.css];
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, paint(v, colours)]));
    }
    return value;
  };

  const layoutOf = (figure, colours, narrow) => {
    const axis = {
      gridcolor: colours.line, linecolor: colours.line, zerolinecolor: colours.line,
      automargin: true, fixedrange: !figure.map,
    };
    const given = paint(figure.layout, colours);
    return {
      paper_bgcolor: colours.bg, plot_bgcolor: colours.bg,
      font: { color: colours.text, size: narrow ? 12 : 13, family: "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif" },
      hoverlabel: { bgcolor: colours.panel, bordercolor: colours.line, font: { color: colours.text }, align: "left" },
      margin: { l: narrow ? 44 : 60, r: 12, t: 12, b: 60 },
      dragmode: figure.map && !coarse ? "zoom" : false,
      hovermode: "closest",
      ...given,
      height: narrow && figure.map ? 470 : narrow ? Math.min(figure.height, 430) : figure.height,
      xaxis: { ...axis, ...given.xaxis },
      yaxis: { ...axis, ...given.yaxis },
    };
  };

  const config = { displayModeBar: false, responsive: true, scrollZoom: false };
  const plots = Object.entries(page.figures)
    .map(([id, figure]) => ({ figure, box: document.getElementById(id) }))
    .filter(one => one.box);

  const draw = ({ figure, box }) => {
    const shown = box.data && box.data.map(trace => trace.visible);
    const data = paint(figure.data, scheme());
    if (shown) data.forEach((trace, n) => { trace.visible = shown[n]; });
    const layout = layoutOf(figure, scheme(), box.clientWidth < 520);
    box.style.height = layout.height + "px"; // Plotly leaves it at 0 after some changes of the width
    return Plotly.react(box, data, layout, config);
  };

  // What a printer gets: pictures in the colours of paper, made when the page has time.
  const still = async ({ figure, box }) => {
    const colours = page.colours.light;
    const width = figure.square ? 560 : 900;
    const layout = { ...layoutOf(figure, colours, false), width };
    const made = { data: paint(figure.data, colours), layout, config };
    const address = await Plotly.toImage(made, { format: "svg", width, height: layout.height });
    const picture = box.parentElement.querySelector(".still");
    picture.src = address;
    await picture.decode().catch(() => {});
    box.parentElement.classList.add("ready");
  };

  const peek = document.getElementById("peek");
  const show = (place, x, y, pinned) => {
    const at = page.points;
    peek.replaceChildren();
    const add = (tag, text) => {
      const made = document.createElement(tag);
      made.textContent = text;
      peek.append(made);
      return made;
    };
    if (at.thumb[place]) add("img", "").src = "data:image/webp;base64," + at.thumb[place];
    const apart = text => "\u2068" + text + "\u2069"; // one that is written leftwards stays in its place
    const label = at.labels[at.label[place]], said = at.labels[at.predicted[place]];
    add("div", label === undefined ? "not labelled" : "label: " + apart(label));
    if (said !== undefined) {
      add("div", "model: " + apart(said || "none") + ", " + Math.round(100 * (1 - at.uncertainty[place])) + " %");
    }
    add("div", at.key[place]).className = "muted";
    if (pinned && at.url[place]) {
      const link = add("a", "open the task");
      link.href = at.url[place];
      link.target = "_blank";
      link.rel = "noopener";
    }
    peek.className = pinned ? "pinned" : "";
    peek.style.display = "block";
    const box = peek.getBoundingClientRect();
    const left = x + 16 + box.width > innerWidth ? x - 16 - box.width : x + 16;
    const top = Math.min(y + 12, innerHeight - box.height - 8);
    peek.style.left = Math.max(8, Math.min(left, innerWidth - box.width - 8)) + "px";
    peek.style.top = Math.max(8, top) + "px";
  };
  const hide = () => { peek.style.display = "none"; peek.className = ""; };

  const explore = box => {
    const where = event => (event.event.changedTouches ? event.event.changedTouches[0] : event.event);
    box.on("plotly_hover", event => {
      if (peek.className === "pinned") return;
      const { clientX, clientY } = where(event);
      show(event.points[0].customdata, clientX, clientY, coarse);
    });
    box.on("plotly_unhover", () => { if (peek.className !== "pinned") hide(); });
    box.on("plotly_click", event => {
      const { clientX, clientY } = where(event);
      show(event.points[0].customdata, clientX, clientY, true);
    });
    document.addEventListener("pointerdown", event => {
      if (!peek.contains(event.target) && peek.className === "pinned") hide();
    });
    addEventListener("scroll", () => { if (!coarse) hide(); }, { passive: true });
    for (const button of document.querySelectorAll(".switch button")) {
      button.addEventListener("click", () => {
        const last = box.data.length - 1, unsure = button.value === "uncertainty";
        Plotly.restyle(box, { visible: box.data.map((_, n) => (n === last) === unsure) });
        for (const other of document.querySelectorAll(".switch button")) {
          other.setAttribute("aria-pressed", String(other === button));
        }
      });
    }
  };

  // What a word means stands below it, where there is room.
  for (const button of document.querySelectorAll(".term")) {
    button.addEventListener("click", () => {
      const word = document.getElementById(button.getAttribute("popovertarget"));
      if (innerWidth < 600 || !word) return;
      const at = button.getBoundingClientRect(), width = 360;
      word.style.cssText = `inset:auto;margin:0;width:${width}px;left:${Math.max(8, Math.min(at.left, innerWidth - width - 24))}px;`
        + (at.bottom + 170 < innerHeight ? `top:${at.bottom + 6}px` : `bottom:${innerHeight - at.top + 6}px`);
    });
  }

  const begin = async () => {
    for (const plot of plots) await draw(plot);
    const map = plots.find(plot => plot.figure.map);
    if (map) explore(map.box);
    for (const plot of plots) await still(plot);
    document.documentElement.dataset.ready = "yes";
  };
  for (const change of [dark, matchMedia("(max-width: 560px)")]) {
    change.addEventListener("change", () => plots.forEach(draw));
  }
  begin();
})();
