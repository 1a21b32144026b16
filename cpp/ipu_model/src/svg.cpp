// The pictures of a profile: memory by tile, and the first steps along time.

#include "profile.hpp"
#include <algorithm>
#include <ostream>

namespace ipu_model {
namespace {

constexpr double width = 1000, height = 320, left = 80, top = 40, legend = 180;
const char *const palette[] = {"#1f77b4", "#aec7e8", "#ff7f0e", "#2ca02c", "#98df8a", "#d62728",
                               "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22"};

std::string escaped(const std::string &text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

void open(std::ostream &out, const char *title) {
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << left + width + legend << "\" height=\""
      << top + height + 60 << "\" font-family=\"sans-serif\" font-size=\"12\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"" << left << "\" y=\"16\" font-size=\"14\">"
      << title << "</text>\n<text x=\"" << left << "\" y=\"32\" fill=\"#666\">" << disclaimer << "</text>\n";
}

void box(std::ostream &out, double x, double y, double w, double h, const char *colour) {
  out << "<rect x=\"" << x << "\" y=\"" << y << "\" width=\"" << w << "\" height=\"" << h << "\" fill=\"" << colour
      << '"';
}

void key(std::ostream &out, std::size_t row, const char *colour, const char *text) {
  const double y = top + 18.0 * static_cast<double>(row);
  box(out, left + width + 10, y, 12, 12, colour);
  out << "/><text x=\"" << left + width + 28 << "\" y=\"" << y + 10 << "\">" << text << "</text>\n";
}

} // namespace

void Profile::writeMemorySvg(std::ostream &to) const {
  ReportText out;
  open(out, "Bytes of memory by tile");
  std::size_t largest = graph_.target.getTargetType() == poplar::TargetType::CPU ? 1 : graph_.target.getBytesPerTile();
  const double limit = static_cast<double>(largest);
  for (const TileMemory &tile : memory_) largest = std::max(largest, totalOf(tile));
  const double scale = height / static_cast<double>(largest);
  const double step = width / static_cast<double>(memory_.size());
  for (std::size_t tile = 0; tile != memory_.size(); ++tile) {
    double y = top + height;
    for (std::size_t c = 0; c != memoryCategories; ++c) {
      const double h = static_cast<double>(memory_[tile][c]) * scale;
      if (h == 0) continue;
      y -= h;
      box(out, left + step * static_cast<double>(tile), y, step, h, palette[c]);
      out << "><title>tile " << tile << ": " << categoryName(static_cast<MemoryCategory>(c)) << ' ' << memory_[tile][c]
          << " bytes</title></rect>\n";
    }
  }
  out << "<line x1=\"" << left << "\" x2=\"" << left + width << "\" y1=\"" << top + height - limit * scale << "\" y2=\""
      << top + height - limit * scale << "\" stroke=\"red\"/>\n<text x=\"4\" y=\"" << top + height - limit * scale + 12
      << "\">" << static_cast<std::size_t>(limit) << "</text>\n<text x=\"" << left << "\" y=\"" << top + height + 16
      << "\">tile 0</text><text x=\"" << left + width - 50 << "\" y=\"" << top + height + 16 << "\">tile "
      << memory_.size() - 1 << "</text>\n";
  for (std::size_t c = 0; c != memoryCategories; ++c)
    key(out, c, palette[c], categoryName(static_cast<MemoryCategory>(c)));
  out << "</svg>\n";
  out.send(to);
}

void Profile::writeTimelineSvg(std::ostream &to) const {
  ReportText out;
  open(out, "Cycles of the first steps");
  std::uint64_t end = 1;
  for (const TimelineEntry &entry : timeline_) end = std::max(end, entry.start + steps_[entry.step].cycles());
  static const char *const phases[] = {"sync", "exchange", "compute", "host"};
  for (const TimelineEntry &entry : timeline_) {
    const Step &step = steps_[entry.step];
    const std::uint64_t parts[] = {step.sync, step.exchange, step.compute, step.host};
    std::uint64_t start = entry.start;
    for (std::size_t p = 0; p != 4; ++p) {
      if (parts[p] == 0) continue;
      const double scale = width / static_cast<double>(end);
      box(out, left + static_cast<double>(start) * scale, top + 80.0 * static_cast<double>(p),
          static_cast<double>(parts[p]) * scale, 70, palette[2 * p]);
      out << "><title>" << step.kind << ' ' << escaped(step.name) << ": " << parts[p] << " cycles of " << phases[p]
          << " from " << start << "</title></rect>\n";
      start += parts[p];
    }
  }
  for (std::size_t p = 0; p != 4; ++p) {
    key(out, p, palette[2 * p], phases[p]);
    out << "<text x=\"4\" y=\"" << top + 80.0 * static_cast<double>(p) + 40 << "\">" << phases[p] << "</text>\n";
  }
  out << "<text x=\"" << left << "\" y=\"" << top + height + 16 << "\">0</text><text x=\"" << left + width - 80
      << "\" y=\"" << top + height + 16 << "\">" << end << " cycles</text>\n"
      << "</svg>\n";
  out.send(to);
}

} // namespace ipu_model
