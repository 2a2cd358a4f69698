// One run over time: flow, P, T and base volume, one under the other on one time axis.
"use strict";

(function () {
  const box = document.getElementById("plot");
  const words = box.dataset;
  const refreshMs = Number(words.refreshMs);
  const message = box.querySelector(".message");
  const HEIGHT = 106;
  const LAST_HEIGHT = 146; // the lowest carries the time axis
  const AXIS_WIDTH = 88;
  const INK = "#1c2733";
  const GRID = { stroke: "#e3e8ee", width: 1 };
  const FONT = '12px system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';
  if (typeof uPlot === "undefined") {
    say(words.library);
    return;
  }
  const zone = known(words.zone) ? words.zone : "UTC";
  const charts = [];
  let zoom = null; // [min, max] in seconds, or null for all data

  const KINDS = [
    { name: "flow", color: "#0b5fa5", unit: "m³/h", digits: 2, fill: "rgba(11,95,165,0.10)" },
    { name: "pressure", color: "#8a3ffc", unit: "kPa", digits: 2 },
    { name: "temperature", color: "#b34700", unit: "°C", digits: 2 },
    { name: "base", color: "#1b7a43", unit: "m³", digits: 3, fill: "rgba(27,122,67,0.45)" },
  ];

  function known(name) {
    try {
      new Intl.DateTimeFormat("en", { timeZone: name });
      return true;
    } catch (error) {
      return false;
    }
  }

  function say(text) {
    message.textContent = text;
    message.hidden = text === "";
    box.classList.toggle("without", text !== "");
  }

  function number(value, digits) {
    if (value === null || value === undefined) return "–";
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  // 24-hour clock; the date where it changes: uPlot's rows are [increment, default, year, month, day, hour, minute, second, mode].
  const day = "\n{YYYY}-{MM}-{DD}";
  const TIMES = [
    [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, "{HH}:{mm}", day, null, day, null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", day, null, day, null, null, null, 1],
    [0.001, ":{ss}.{fff}", day + " {HH}:{mm}", null, day + " {HH}:{mm}", null, "\n{HH}:{mm}", null, 1],
  ];

  const format = uPlot.fmtDate("{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}");

  function clock(seconds) {
    return seconds === null ? "–" : format(uPlot.tzDate(new Date(seconds * 1e3), zone));
  }

  // Where no cursor points, the legend tells the newest value.
  function latest(chart, series) {
    const values = chart.data[series];
    for (let index = values.length - 1; index >= 0; index--) {
      if (values[index] !== null && values[index] !== undefined) return values[index];
    }
    return null;
  }

  function axes(kind, last) {
    return [
      {
        values: last ? TIMES : (chart, splits) => splits.map(() => ""),
        space: 80,
        size: last ? 46 : 0,
        stroke: INK,
        font: FONT,
        grid: GRID,
        ticks: GRID,
      },
      {
        label: words[kind.name + "Axis"],
        labelFont: FONT,
        labelSize: 18,
        size: AXIS_WIDTH - 18,
        space: 24,
        stroke: INK,
        font: FONT,
        grid: GRID,
        ticks: GRID,
        values: (chart, splits) => splits.map((split) => plain(split, splits)),
      },
    ];
  }

  // As many decimals as the distance of the ticks needs.
  function plain(value, splits) {
    const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1;
    const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  // Room above and below, and at least a span that the instrument can tell apart.
  function range(least, fromZero) {
    return (chart, low, high) => {
      if (low === null || high === null) return fromZero ? [0, least] : [null, null];
      if (fromZero) low = Math.min(0, low);
      const room = Math.max(high - low, least) * 0.08;
      const middle = (high + low) / 2;
      const half = Math.max(high - low, least) / 2;
      return fromZero ? [low, Math.max(high, least) + room] : [middle - half - room, middle + half + room];
    };
  }

  const RANGES = {
    flow: range(1, true),
    pressure: range(0.5, false),
    temperature: range(0.5, false),
    base: range(0.01, true),
  };

  function make(kind, last) {
    const bars = kind.name === "base";
    const options = {
      width: box.clientWidth,
      height: last ? LAST_HEIGHT : HEIGHT,
      class: kind.name,
      pxAlign: 1,
      ms: 1e-3,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone),
      padding: [6, 26, last ? 0 : 4, 0],
      cursor: { sync: { key: "run", setSeries: false }, y: false, drag: { x: true, y: false, setScale: false } },
      legend: { live: true, markers: { width: 2 } },
      scales: { x: { time: true }, y: { range: RANGES[kind.name] } },
      axes: axes(kind, last),
      series: [
        { label: words.time, value: (chart, value) => clock(value ?? latest(chart, 0)) },
        {
          label: words[kind.name] + " " + kind.unit,
          stroke: kind.color,
          fill: kind.fill,
          width: bars ? 1 : 1.5,
          points: { show: bars ? false : undefined, size: 4 },
          spanGaps: false,
          paths: bars ? uPlot.paths.bars({ size: [1, Infinity], align: -1, gap: 1 }) : undefined,
          value: (chart, value, series, index) =>
            number(index === null || index === undefined ? latest(chart, 1) : value, kind.digits),
        },
      ],
      hooks: { setSelect: [select] },
    };
    const chart = new uPlot(options, [[], []], box);
    chart.over.addEventListener("dblclick", () => scale(null));
    return chart;
  }

  function select(chart) {
    if (chart.select.width < 4) return;
    const low = chart.posToVal(chart.select.left, "x");
    const high = chart.posToVal(chart.select.left + chart.select.width, "x");
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    scale([low, high]);
  }

  function extent(data) {
    const times = data.t_ms.concat(data.base_t_ms);
    let low = Infinity;
    let high = -Infinity;
    for (const time of times) {
      low = Math.min(low, time);
      high = Math.max(high, time);
    }
    return [low / 1e3, high / 1e3];
  }

  let whole = null;

  function scale(asked) {
    zoom = asked;
    const [min, max] = zoom || whole;
    for (const chart of charts) chart.setScale("x", { min, max });
  }

  function draw(data) {
    if (data.t_ms.length + data.base_t_ms.length === 0) {
      say(words.empty);
      return;
    }
    say("");
    if (charts.length === 0) {
      KINDS.forEach((kind, index) => charts.push(make(kind, index === KINDS.length - 1)));
    }
    const times = data.t_ms.map((time) => time / 1e3);
    const base = data.base_t_ms.map((time) => time / 1e3);
    const columns = [
      [times, data.flow_m3_h],
      [times, data.p_kpa],
      [times, data.t_c],
      [base, data.base_m3],
    ];
    charts.forEach((chart, index) => chart.setData(columns[index], false));
    whole = extent(data);
    scale(zoom);
    box.dataset.drawn = String(data.t_ms.length);
  }

  async function load() {
    try {
      const answer = await fetch(words.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      draw(await answer.json());
    } catch (error) {
      if (charts.length === 0) say(words.failed);
      console.error("plot:", error);
    }
    // The next only after this one: a slow server is not asked faster than it answers.
    window.setTimeout(load, refreshMs);
  }

  function fit() {
    charts.forEach((chart) => chart.setSize({ width: box.clientWidth, height: chart.height }));
  }

  new ResizeObserver(fit).observe(box);
  load();
})();
