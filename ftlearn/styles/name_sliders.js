(function name(times) {
  const called = slider => slider.querySelectorAll('.noUi-handle').forEach(handle =>
    handle.setAttribute('aria-label', slider.querySelector('.widget-label').textContent));
  document.querySelectorAll('.widget-slider:not([data-ftl])').forEach(slider => {
    slider.dataset.ftl = 'named';
    new MutationObserver(() => called(slider)).observe(slider, {childList: true, subtree: true});
    called(slider);
  });
  document.querySelectorAll('.widget-play').forEach(player =>
    player.querySelectorAll('button').forEach((button, at) =>
      button.setAttribute('aria-label', ['Play or pause', 'Back to the start', 'Repeat'][at])));
  if (times) setTimeout(() => name(times - 1), 500);
})(20);
