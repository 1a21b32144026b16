#include "view.hpp"
#include <algorithm>

namespace ipu_model {

void View::push(Run run) {
  if (run.length == 0) return;
  if (run.length == 1) run.stride = 1;
  if (!runs_.empty() && runs_.back().variable == run.variable) {
    Run &last = runs_.back();
    const auto step = static_cast<std::ptrdiff_t>(run.begin - last.at(last.length - 1));
    if ((last.length == 1 || last.stride == step) && (run.length == 1 || run.stride == step)) {
      last.stride = step;
      last.length += run.length;
      count_ += run.length;
      return;
    }
  }
  starts_.push_back(count_);
  runs_.push_back(run);
  count_ += run.length;
}

std::size_t View::findRun(std::size_t position) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), position);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

void View::append(const View &source, std::size_t first, std::size_t count, std::ptrdiff_t step) {
  std::size_t position = first;
  while (count != 0) {
    const std::size_t i = source.findRun(position);
    const Run &run = source.runs_[i];
    const std::size_t inside = position - source.starts_[i];
    const std::size_t room = step == 0  ? count
                             : step > 0 ? (run.length - 1 - inside) / static_cast<std::size_t>(step) + 1
                                        : inside / static_cast<std::size_t>(-step) + 1;
    const std::size_t taken = std::min(count, room);
    push({run.variable, run.at(inside), taken, run.stride * step});
    position += static_cast<std::size_t>(step) * taken;
    count -= taken;
  }
}

} // namespace ipu_model
