// The reports of a profile: text and JSON. Each says first that it is an estimate of a model.

#include "profile.hpp"
#include <algorithm>
#include <iomanip>
#include <ostream>

namespace ipu_model {
namespace {

std::string grouped(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string quoted(const std::string &text) {
  std::ostringstream out;
  out << '"';
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out << '\\' << c;
    else if (u < 0x20)
      out << "\\u" << std::hex << std::setw(4) << std::setfill('0') << unsigned{u} << std::dec;
    else
      out << c;
  }
  out << '"';
  return out.str();
}

void writeArray(std::ostream &out, const std::vector<std::uint64_t> &values) {
  out << '[';
  for (std::size_t i = 0; i != values.size(); ++i) out << (i ? "," : "") << values[i];
  out << ']';
}

} // namespace

void Profile::writeSummary(std::ostream &to, bool showSteps, bool showStorage) const {
  ReportText out;
  const Totals sum = totals();
  const poplar::Target &target = graph_.target;
  out << disclaimer << "\n\nTarget:\n"
      << "  Type:                " << poplar::toString(target.getTargetType()) << ' ' << target.getTargetArchString()
      << '\n'
      << "  Number of IPUs:      " << target.getNumIPUs() << '\n'
      << "  Tiles per IPU:       " << grouped(target.getTilesPerIPU()) << '\n'
      << "  Total Tiles:         " << grouped(target.getNumTiles()) << '\n'
      << "  Memory Per-Tile:     " << std::fixed << std::setprecision(1) << target.getBytesPerTile() / 1024.0 << " kB\n"
      << "  Clock Speed (approx): " << grouped(static_cast<std::uint64_t>(target.getTileClockFrequency() / 1e6))
      << " MHz\n\nGraph:\n"
      << "  Number of vertices:     " << grouped(counts_.vertices) << '\n'
      << "  Number of edges:        " << grouped(counts_.edges) << '\n'
      << "  Number of variables:    " << grouped(counts_.variables) << '\n'
      << "  Number of compute sets: " << grouped(counts_.computeSets) << "\n\nMemory Usage:\n";
  TileMemory all{};
  std::size_t largest = 0, worst = 0;
  for (std::size_t tile = 0; tile != memory_.size(); ++tile) {
    for (std::size_t c = 0; c != memoryCategories; ++c) all[c] += memory_[tile][c];
    if (totalOf(memory_[tile]) > largest) {
      largest = totalOf(memory_[tile]);
      worst = tile;
    }
  }
  out << "  Total for all IPUs: " << grouped(totalOf(all)) << " bytes; most on tile " << worst << ": "
      << grouped(largest) << " of " << grouped(target.getBytesPerTile()) << " bytes\n";
  for (std::size_t c = 0; c != memoryCategories; ++c)
    out << "    " << std::left << std::setw(28) << categoryName(static_cast<MemoryCategory>(c)) << std::right
        << std::setw(16) << grouped(all[c]) << '\n';
  if (showStorage)
    for (poplar::VarId id = 0; id != counts_.variables; ++id) {
      const Variable &v = graph_.variables[id];
      out << "    " << v.name << ": " << grouped(v.count * v.type.size()) << " bytes of " << v.type.toString() << " in "
          << layout_.parts(id).size() << " parts\n";
    }
  out << "\nExecution:\n"
      << "  Total cycles:                                  " << grouped(total_) << " (approx "
      << static_cast<double>(total_) / target.getTileClockFrequency() * 1e6 << " microseconds)\n"
      << "  Tile average compute cycles (including idle threads): " << sum.computePerTile << '\n'
      << "  Tile average compute cycles (excluding idle threads): " << sum.busyPerTile << '\n'
      << "  Compute cycles (slowest tile of each step):    " << grouped(sum.compute) << '\n'
      << "  IPU exchange cycles:                           " << grouped(sum.exchange) << '\n'
      << "  Host exchange cycles:                          " << grouped(sum.host) << '\n'
      << "  Sync cycles:                                   " << grouped(sum.sync) << '\n'
      << "\n  Cycles by vertex type:\n";
  std::size_t estimated = 0;
  for (const Step &step : steps_) estimated += step.estimated;
  for (const auto &[name, instances] : sum.types)
    out << "    " << std::left << std::setw(48) << name << std::right << " (" << grouped(instances.first)
        << " instances): " << std::setw(14) << grouped(instances.second) << '\n';
  if (estimated != 0)
    out << "  " << grouped(estimated) << " vertices have no estimate of their author; the model's default stands in\n";
  if (showSteps) {
    out << "\n  Steps:\n";
    for (const Step &step : steps_)
      out << "    " << grouped(step.executions) << " x " << step.kind << ' ' << step.name << ": "
          << grouped(step.cycles()) << " cycles (compute " << step.compute << ", exchange " << step.exchange
          << ", host " << step.host << ", sync " << step.sync << "; " << step.vertices << " vertices on "
          << step.tiles.size() << " tiles)\n";
  }
  out.send(to);
}

void Profile::writeJson(std::ostream &to) const {
  ReportText out;
  const Totals sum = totals();
  const poplar::Target &target = graph_.target;
  out << "{\"note\":" << quoted(disclaimer)
      << ",\n\"target\":{\"type\":" << quoted(poplar::toString(target.getTargetType()))
      << ",\"arch\":" << quoted(target.getTargetArchString()) << ",\"ipus\":" << target.getNumIPUs()
      << ",\"tilesPerIpu\":" << target.getTilesPerIPU() << ",\"bytesPerTile\":" << target.getBytesPerTile()
      << ",\"clockHz\":" << static_cast<std::uint64_t>(target.getTileClockFrequency())
      << ",\"exchangeBytesPerCycle\":" << target.getExchangeBytesPerCycle()
      << ",\"memcpyBytesPerCycle\":" << target.getMemcpyBytesPerCycle() << "},\n\"constants\":[";
  for (std::size_t i = 0; i != cost::count; ++i) {
    const CostConstant &c = costConstant(static_cast<cost::Id>(i));
    out << (i ? ",\n" : "\n") << " {\"name\":" << quoted(c.name) << ",\"value\":" << c.value
        << ",\"unit\":" << quoted(c.unit) << ",\"source\":" << quoted(c.source)
        << ",\"confidence\":" << quoted(c.confidence) << '}';
  }
  out << "],\n\"graph\":{\"vertices\":" << counts_.vertices << ",\"edges\":" << counts_.edges
      << ",\"variables\":" << counts_.variables << ",\"computeSets\":" << counts_.computeSets
      << "},\n\"memory\":{\"categories\":[";
  for (std::size_t c = 0; c != memoryCategories; ++c)
    out << (c ? "," : "") << quoted(categoryName(static_cast<MemoryCategory>(c)));
  out << "],\"tiles\":[";
  for (std::size_t tile = 0; tile != memory_.size(); ++tile) {
    out << (tile ? ",\n" : "\n");
    writeArray(out, std::vector<std::uint64_t>(memory_[tile].begin(), memory_[tile].end()));
  }
  out << "]},\n\"execution\":{\"runs\":" << runs_ << ",\"cycles\":{\"total\":" << total_
      << ",\"compute\":" << sum.compute << ",\"exchange\":" << sum.exchange << ",\"host\":" << sum.host
      << ",\"sync\":" << sum.sync << '}';
  const auto writeByTile = [&](const char *name, auto TileStep::*field) {
    std::vector<std::uint64_t> values;
    for (const TileStep &tile : sum.tiles) values.push_back(tile.*field);
    out << ",\"" << name << "\":";
    writeArray(out, values);
  };
  writeByTile("tileComputeCycles", &TileStep::compute);
  writeByTile("tileBusyCycles", &TileStep::busy);
  writeByTile("bytesReceivedByTile", &TileStep::bytesIn);
  writeByTile("bytesSentByTile", &TileStep::bytesOut);
  out << ",\n\"vertexTypes\":[";
  const char *separator = "";
  for (const auto &[name, instances] : sum.types) {
    out << separator << "{\"name\":" << quoted(name) << ",\"instances\":" << instances.first
        << ",\"cycles\":" << instances.second << '}';
    separator = ",";
  }
  out << "],\n\"steps\":[";
  for (std::size_t i = 0; i != steps_.size(); ++i) {
    const Step &step = steps_[i];
    out << (i ? ",\n" : "\n") << " {\"kind\":" << quoted(step.kind) << ",\"name\":" << quoted(step.name)
        << ",\"executions\":" << step.executions << ",\"compute\":" << step.compute << ",\"exchange\":" << step.exchange
        << ",\"host\":" << step.host << ",\"sync\":" << step.sync << ",\"vertices\":" << step.vertices
        << ",\"verticesWithoutEstimate\":" << step.estimated << ",\"tiles\":[";
    const char *comma = "";
    for (const auto &[tile, t] : step.tiles) {
      out << comma << "{\"tile\":" << tile << ",\"compute\":" << t.compute << ",\"busy\":" << t.busy
          << ",\"bytesIn\":" << t.bytesIn << ",\"bytesOut\":" << t.bytesOut << '}';
      comma = ",";
    }
    out << "]}";
  }
  out << "]}}\n";
  out.send(to);
}

} // namespace ipu_model
