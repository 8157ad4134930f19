// Runs in the report's page: draws the charts whose data the page brings along. `uPlot` is inlined before this.
(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const plots = charts.map(({ id, logarithmic, series, columns }) => {
    const place = document.getElementById(id);
    const size = () => ({ width: place.clientWidth, height: 340 });
    const number = (value) => (value === null || value === undefined ? '–' : Number(value.toPrecision(4)).toString());
    const axis = { stroke: '#555c68', grid: { stroke: '#e7e9ee', width: 1 }, ticks: { stroke: '#e7e9ee', width: 1 } };
    const plot = new uPlot({
      ...size(),
      scales: {
        x: { time: false },
        y: logarithmic
          ? { distr: 3, range: (_, low, high) => [low / 1.2, high * 1.2] } // whole decades would waste the room
          : { range: (_, low, high) => [0, high * 1.1] },
      },
      axes: [
        { ...axis, label: 'updates', labelSize: 24 },
        { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : Number(tick.toPrecision(3)).toString())) },
      ],
      series: [
        { label: 'updates', value: (_, value) => number(value) },
        ...series.map(({ label, color, dashed, width }) => ({
          label,
          stroke: color,
          width: width ?? 2,
          dash: dashed ? [6, 4] : undefined,
          spanGaps: true,
          points: { show: columns[0].length < 40 && !dashed, size: 6, fill: color },
          value: (_, value) => number(value),
        })),
      ],
    }, columns, place);
    return { plot, size };
  });
  addEventListener('resize', () => plots.forEach(({ plot, size }) => plot.setSize(size())));
})();
