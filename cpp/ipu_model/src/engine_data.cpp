#include "engine_data.hpp"
#include "numbers.hpp"
#include "poplar/exceptions.hpp"
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ipu_model {
using poplar::Tensor;

namespace {

bool isTrue(const poplar::OptionFlags &options, const char *name) { return options.get(name, "false") == "true"; }

unsigned threadCount(const poplar::OptionFlags &options) {
  const std::string text = options.get("target.threads", "");
  const unsigned wanted = text.empty() ? std::thread::hardware_concurrency()
                                       : static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10));
  return std::clamp(wanted, 1u, 256u);
}

/// The engine's options, over those of the environment's POPLAR_ENGINE_OPTIONS.
poplar::OptionFlags withEnvironment(const poplar::OptionFlags &options) {
  poplar::OptionFlags all;
  if (const char *text = std::getenv("POPLAR_ENGINE_OPTIONS")) poplar::readJSON(std::string(text), all);
  for (const auto &[name, value] : options) all.set(name, value);
  return all;
}

/// The graph once every element has a tile; throws where one has none. Numbers go where their vertices are: those of
/// a vertex without a tile stay without, and the vertex is refused where a program runs it.
std::shared_ptr<GraphData> mapped(std::shared_ptr<GraphData> graph) {
  std::vector<bool> homeless(graph->variables.size());
  for (const auto &[variable, vertex] : graph->immediates) {
    homeless[variable] = graph->vertices[vertex].tile == none;
    if (!homeless[variable])
      graph->variables[variable].tiles.set(0, graph->variables[variable].count, graph->vertices[vertex].tile);
  }
  for (poplar::VarId id = 0; id != graph->variables.size(); ++id) {
    if (homeless[id]) continue;
    const Variable &variable = graph->variables[id];
    variable.tiles.visit(0, variable.count, [&](std::size_t begin, std::size_t end, unsigned tile) {
      if (tile == none)
        throw poplar::invalid_tile_mapping(graph->describe(id, begin, end) +
                                           " are not mapped to a tile; call setTileMapping");
    });
  }
  return graph;
}

} // namespace

EngineData::EngineData(std::shared_ptr<GraphData> graph, std::vector<poplar::program::Program> programs,
                       const poplar::OptionFlags &options, const poplar::ProgressFunc &progress)
    : graph_(mapped(std::move(graph))), programs_(std::move(programs)), options_(withEnvironment(options)),
      profile_(*graph_, !isTrue(options_, "debug.allowOutOfMemory")), storage_(*graph_), pool_(threadCount(options_)),
      hostWrites_(graph_->hostWrites), hostReads_(graph_->hostReads), streams_(graph_->streams),
      remoteBuffers_(graph_->remoteBuffers) {
  debug_ = isTrue(options_, "debug.mode");
  strict_ = isTrue(options_, "debug.strict");
  shuffleSeed_ = std::strtoull(options_.get("debug.shuffleSeed", "1").c_str(), nullptr, 10);
  for (const auto *list : {&programs_, &graph_->functions})
    for (const auto &program : *list) countUses(program);
  const int total = static_cast<int>(programs_.size()) + 1;
  for (std::size_t i = 0; i != programs_.size(); ++i) {
    if (progress) progress(static_cast<int>(i), total);
    prepare(programs_[i]);
  }
  for (const auto &[handle, tensor] : hostWrites_) profile_.addHostTensor(tensor);
  for (const auto &[handle, tensor] : hostReads_) profile_.addHostTensor(tensor);
  profile_.finish();
  for (const auto &[handle, buffer] : remoteBuffers_)
    remoteMemory_[handle].resize(buffer->bytes() * buffer->repeats);
  if (progress) progress(total, total);
}

EngineData::~EngineData() {
  try {
    writeReports();
  } catch (const std::exception &error) {
    std::cerr << "ipu_model: reports not written: " << error.what() << '\n';
  }
}

void EngineData::setOptions(const poplar::OptionFlags &options) {
  for (const auto &[name, value] : options) options_.set(name, value);
  debug_ = isTrue(options_, "debug.mode");
  strict_ = isTrue(options_, "debug.strict");
}

void EngineData::warn(const std::string &message) {
  if (strict_) throw poplar::application_runtime_error(message);
  if (warned_.insert(message).second) warnings_.push_back(message);
}

void EngineData::prepare(const poplar::program::Program &program) {
  const Node &node = program.node();
  if (!prepared_.insert(&node).second) return;
  checkHandles(node);
  switch (node.kind) {
  case Node::Kind::Execute: {
    if (node.target >= graph_->computeSets.size())
      throw poplar::control_program_error("Execute '" + node.name +
                                          "' of a compute set that was never added to the graph");
    auto &bound = computeSets_[node.target];
    if (!bound) {
      checkVertices(*graph_, node.target);
      const SnapshotEdges snapshots = checkRaces(*graph_, node.target, [this](const std::string &text) { warn(text); });
      bound = std::make_unique<BoundComputeSet>(*graph_, node.target, storage_, snapshots);
    }
    if (!node.tensors.empty()) checkDestination("Execute '" + node.name + "': ", node.tensors[0]);
    profile_.addExecute(node, *bound);
    break;
  }
  case Node::Kind::Call:
    if (node.target >= graph_->functions.size())
      throw poplar::control_program_error("Call '" + node.name + "' of a function that was never added to the graph");
    if (!openFunctions_.insert(node.target).second)
      throw poplar::graph_recursion_error("Call '" + node.name + "': function " + std::to_string(node.target) +
                                          " calls itself");
    prepare(graph_->functions[node.target]);
    openFunctions_.erase(node.target);
    break;
  case Node::Kind::Copy:
    checkCopy(node);
    profile_.addCopies({&node});
    break;
  case Node::Kind::Sequence: {
    CopyGroup group(*graph_);
    prepareSequence(node, group);
    endGroup(group);
    return;
  }
  case Node::Kind::StreamToTensor:
  case Node::Kind::RemoteToTensor:
    checkDestination("Copy '" + node.name + "' of '" + node.channel->handle + "' to " +
                         node.tensors[0].getDebugStr() + ": ",
                     node.tensors[0]);
    profile_.addOther(node);
    break;
  default: profile_.addOther(node); break;
  }
  for (const auto &child : node.children) prepare(child);
}

void EngineData::countUses(const poplar::program::Program &program) {
  if (++uses_[&program.node()] == 1)
    for (const auto &child : program.node().children) countUses(child);
}

void EngineData::prepareSequence(const Node &node, CopyGroup &group) {
  for (const auto &child : node.children) {
    const Node &next = child.node();
    const bool onlyHere = uses_.at(&next) == 1; // what runs elsewhere, too, has to be a step of its own
    if (onlyHere && next.kind == Node::Kind::Sequence) {
      prepareSequence(next, group);
    } else if (onlyHere && next.kind == Node::Kind::Copy) {
      checkHandles(next);
      checkCopy(next);
      if (!group.admits(next)) endGroup(group);
      group.add(next);
    } else {
      endGroup(group);
      prepare(child);
    }
  }
}

void EngineData::endGroup(CopyGroup &group) {
  if (!group.empty()) profile_.addCopies(group.take());
}

void EngineData::checkHandles(const Node &node) const {
  const auto program = [&] { return std::string(kindName(node.kind)) + " '" + node.name + "'"; };
  for (const Tensor &tensor : node.tensors) graph_->checkOwn<poplar::control_program_error>(tensor, program);
  if (!node.channel) return;
  const bool isStream = node.kind == Node::Kind::StreamToTensor || node.kind == Node::Kind::TensorToStream;
  const Channels &own = isStream ? graph_->streams : graph_->remoteBuffers;
  const auto found = own.find(node.channel->handle);
  if (found == own.end() || found->second != node.channel)
    throw poplar::control_program_error(program() + ": the " + (isStream ? "stream '" : "remote buffer '") +
                                        node.channel->handle + "' belongs to another graph");
}

void EngineData::checkDestination(const std::string &text, const Tensor &destination) const {
  if (destination.containsConstant())
    throw poplar::control_program_error(text + "a constant cannot be written: " + destination.getDebugStr());
  if (const auto alias = findAlias(destination.view()))
    throw poplar::control_program_error(text + "the destination shows " +
                                        graph_->describe(alias->variable, alias->element, alias->element + 1) +
                                        " more than once");
}

void EngineData::checkCopy(const Node &node) const {
  const Tensor &source = node.tensors[0], &destination = node.tensors[1];
  const std::string text =
      "Copy '" + node.name + "' of " + source.getDebugStr() + " to " + destination.getDebugStr() + ": ";
  checkDestination(text, destination);
  if (source.intersectsWith(destination) && source.flatten().getVarRegions() != destination.flatten().getVarRegions()) {
    // Name the first element that both show at different positions.
    for (const auto &to : destination.getVarRegions())
      for (const auto &from : source.getVarRegions())
        if (from.var == to.var && from.interval.begin() < to.interval.end() &&
            to.interval.begin() < from.interval.end())
          throw poplar::control_program_error(text + "source and destination overlap in " +
                                              graph_->describe(to.var,
                                                               std::max(from.interval.begin(), to.interval.begin()),
                                                               std::min(from.interval.end(), to.interval.end())) +
                                              "; copy through another variable");
  }
}

void EngineData::load(const poplar::Device &device) {
  if (device.getTarget().getNumTiles() < graph_->target.getNumTiles())
    throw poplar::runtime_error("the graph is for " + std::to_string(graph_->target.getNumTiles()) +
                                " tiles, the device has " + std::to_string(device.getTarget().getNumTiles()));
  storage_.reset();
  for (auto &[id, bound] : computeSets_) bound->reset();
  for (auto &[handle, memory] : remoteMemory_) std::fill(memory.begin(), memory.end(), std::byte{0});
  executions_ = 0;
  loaded_ = true;
}

void EngineData::run(unsigned program) {
  if (!loaded_) throw poplar::runtime_error("Engine::run before Engine::load");
  if (program >= programs_.size())
    throw poplar::runtime_error("Engine::run of program " + std::to_string(program) + "; the engine has " +
                                std::to_string(programs_.size()));
  profile_.beginRun(program);
  execute(programs_[program].node());
}

bool EngineData::predicate(const Tensor &tensor) const { return integer(tensor) != 0; }

std::int64_t EngineData::integer(const Tensor &tensor, std::size_t i) const {
  const std::vector<std::byte> bytes = bytesOf(tensor);
  return readInteger(tensor.elementType(), bytes.data(), i);
}

std::vector<std::byte> EngineData::bytesOf(const Tensor &tensor) const {
  std::vector<std::byte> bytes(tensor.numElements() * tensor.elementType().size());
  storage_.gather(tensor.view(), bytes.data());
  return bytes;
}

void EngineData::execute(const Node &node) {
  using Kind = Node::Kind;
  profile_.count(node);
  switch (node.kind) {
  case Kind::Sequence:
    for (const auto &child : node.children) execute(child.node());
    break;
  case Kind::Execute: {
    BoundComputeSet &set = *computeSets_.at(node.target);
    const std::uint64_t seed = ++executions_;
    const bool allTrue =
        debug_ ? set.runChecked(seed, shuffleSeed_ + seed, [this](const std::string &text) { warn(text); })
               : set.run(pool_, seed);
    if (!node.tensors.empty()) {
      std::byte value[8];
      writeInteger(node.tensors[0].elementType(), value, 0, allTrue);
      storage_.scatter(node.tensors[0].view(), value);
    }
    break;
  }
  case Kind::Copy: storage_.copy(node.tensors[0].view(), node.tensors[1].view()); break;
  case Kind::StreamToTensor:
  case Kind::TensorToStream: executeStream(node); break;
  case Kind::RemoteToTensor:
  case Kind::TensorToRemote: executeRemote(node); break;
  case Kind::Repeat:
    for (std::uint64_t i = 0; i != node.count; ++i) execute(node.children[0].node());
    break;
  case Kind::RepeatWhile:
    for (;;) {
      execute(node.children[0].node());
      if (predicate(node.tensors[0]) != node.whileValue) break;
      execute(node.children[1].node());
    }
    break;
  case Kind::If: execute(node.children[predicate(node.tensors[0]) ? 0 : 1].node()); break;
  case Kind::Switch: executeSwitch(node); break;
  case Kind::Call: execute(graph_->functions[node.target].node()); break;
  case Kind::PrintTensor:
    printTensor(*print_, node.message, node.tensors[0], bytesOf(node.tensors[0]), node.format);
    break;
  case Kind::Error: raise(node);
  case Kind::Abort:
    if (node.tensors.empty() || predicate(node.tensors[0])) raise(node);
    break;
  case Kind::CycleStamp: {
    std::uint64_t cycles = profile_.totalCycles();
    if (node.tensors.size() > 1) // since an earlier stamp
      cycles -= static_cast<std::uint64_t>(integer(node.tensors[1], 0)) +
                (static_cast<std::uint64_t>(integer(node.tensors[1], 1)) << 32);
    std::byte words[8];
    writeInteger(poplar::UNSIGNED_INT, words, 0, static_cast<std::int64_t>(cycles & 0xffffffffu));
    writeInteger(poplar::UNSIGNED_INT, words, 1, static_cast<std::int64_t>(cycles >> 32));
    storage_.scatter(node.tensors[0].view(), words);
    break;
  }
  case Kind::Sync:
  case Kind::WriteUndef:
  case Kind::AssumeEqual: break;
  }
}

void EngineData::executeSwitch(const Node &node) {
  const auto value = static_cast<std::int32_t>(integer(node.tensors[0]));
  const auto found = std::find(node.cases.begin(), node.cases.end(), value);
  const std::size_t child = found == node.cases.end() ? 0 : static_cast<std::size_t>(found - node.cases.begin()) + 1;
  execute(node.children[child].node());
}

void EngineData::raise(const Node &node) {
  std::string text = node.message.empty() ? "the program was aborted" : node.message;
  if (node.kind == Node::Kind::Error) {
    std::ostringstream value;
    printTensor(value, "", node.tensors[0], bytesOf(node.tensors[0]), node.format);
    text += " " + value.str();
  }
  throw poplar::application_runtime_error(text);
}

void EngineData::executeStream(const Node &node) {
  const auto found = connections_.find(node.channel->handle);
  if (found == connections_.end())
    throw poplar::stream_connection_error("stream '" + node.channel->handle +
                                          "' is used but not connected; call connectStream or "
                                          "connectStreamToCallback before run");
  Connection &connection = found->second;
  const Tensor &tensor = node.tensors[0];
  const std::size_t bytes = node.channel->bytes();
  std::vector<std::byte> transfer;
  std::byte *memory = connection.next;
  if (connection.callback) {
    transfer.resize(bytes);
    memory = transfer.data();
  } else if (connection.end) {
    if (static_cast<std::size_t>(connection.end - connection.next) < bytes) {
      connection.next = memory = connection.begin;
      if (static_cast<std::size_t>(connection.end - connection.begin) < bytes)
        throw poplar::stream_connection_error("stream '" + node.channel->handle + "' transfers " +
                                              std::to_string(bytes) + " bytes, the connected buffer has " +
                                              std::to_string(connection.end - connection.begin));
    }
    connection.next += bytes;
  }
  if (node.kind == Node::Kind::TensorToStream) storage_.gather(tensor.view(), memory);
  if (connection.callback) {
    connection.callback->fetch(memory);
    connection.callback->complete();
  }
  if (node.kind == Node::Kind::StreamToTensor) storage_.scatter(tensor.view(), memory);
}

void EngineData::executeRemote(const Node &node) {
  const Tensor &tensor = node.tensors[0];
  const std::size_t row = node.channel->bytes();
  const std::size_t rows = node.tensors.size() > 1 ? node.tensors[1].numElements() : 1;
  std::vector<std::byte> data = bytesOf(tensor);
  for (std::size_t i = 0; i != rows; ++i) {
    const std::int64_t index = node.tensors.size() > 1 ? integer(node.tensors[1], i) : 0;
    std::byte *const memory = remoteRow(node.channel->handle, index);
    if (node.kind == Node::Kind::RemoteToTensor)
      std::memcpy(data.data() + i * row, memory, row);
    else
      std::memcpy(memory, data.data() + i * row, row);
  }
  if (node.kind == Node::Kind::RemoteToTensor) storage_.scatter(tensor.view(), data.data());
}

std::byte *EngineData::remoteRow(const std::string &handle, std::int64_t index) {
  const auto found = remoteBuffers_.find(handle);
  if (found == remoteBuffers_.end())
    throw poplar::stream_connection_error("no remote buffer has the handle '" + handle + "'");
  const ChannelData &buffer = *found->second;
  if (index < 0 || static_cast<std::size_t>(index) >= buffer.repeats)
    throw poplar::index_error("row " + std::to_string(index) + " of remote buffer '" + handle + "', which has " +
                              std::to_string(buffer.repeats));
  return remoteMemory_.at(handle).data() + static_cast<std::size_t>(index) * buffer.bytes();
}

namespace {
const Tensor &hostTensor(const std::map<std::string, Tensor> &tensors, const std::string &handle, const char *what,
                         const void *begin, const void *end) {
  const auto found = tensors.find(handle);
  if (found == tensors.end())
    throw poplar::stream_connection_error("no host " + std::string(what) + " has the handle '" + handle + "'");
  const std::size_t bytes = found->second.numElements() * found->second.elementType().size();
  const auto given = static_cast<const std::byte *>(end) - static_cast<const std::byte *>(begin);
  if (end && static_cast<std::size_t>(given) != bytes)
    throw poplar::stream_connection_error("host " + std::string(what) + " '" + handle + "' needs " +
                                          std::to_string(bytes) + " bytes, " + std::to_string(given) + " given");
  return found->second;
}
} // namespace

void EngineData::writeHandle(const std::string &handle, const void *begin, const void *end) {
  storage_.scatter(hostTensor(hostWrites_, handle, "write", begin, end).view(),
                   static_cast<const std::byte *>(begin));
}

void EngineData::readHandle(const std::string &handle, void *begin, void *end) {
  storage_.gather(hostTensor(hostReads_, handle, "read", begin, end).view(), static_cast<std::byte *>(begin));
}

void EngineData::connect(const std::string &handle, Connection connection) {
  if (!streams_.count(handle))
    throw poplar::stream_connection_error("no stream has the handle '" + handle + "'");
  connections_[handle] = std::move(connection);
}

void EngineData::connect(const std::string &handle, void *begin, void *end) {
  auto *const memory = static_cast<std::byte *>(begin);
  connect(handle, {memory, static_cast<std::byte *>(end), memory, nullptr});
}

void EngineData::connect(const std::string &handle, poplar::StreamCallbackHandle callback) {
  connect(handle, {nullptr, nullptr, nullptr, callback.release()});
}

std::vector<std::string> EngineData::streamNames() const {
  std::vector<std::string> names;
  for (const auto &[handle, stream] : streams_) names.push_back(handle);
  return names;
}

void EngineData::writeReports() const {
  if (!isTrue(options_, "autoReport.all")) return;
  std::string folder = options_.get("autoReport.directory", ".");
  if (folder.empty()) folder = ".";
  std::filesystem::create_directories(folder);
  const auto write = [&](const char *name, void (Profile::*writer)(std::ostream &) const) {
    std::ofstream out(folder + "/" + name);
    if (!out) throw poplar::runtime_error("cannot write '" + folder + "/" + name + "'");
    (profile_.*writer)(out);
  };
  write("report.json", &Profile::writeJson);
  write("memory.svg", &Profile::writeMemorySvg);
  write("timeline.svg", &Profile::writeTimelineSvg);
}

} // namespace ipu_model
