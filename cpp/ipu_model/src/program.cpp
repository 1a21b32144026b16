#include "poplar/Program.hpp"
#include "graph_data.hpp"
#include "numbers.hpp"
#include "poplar/exceptions.hpp"
#include "program_node.hpp"

namespace ipu_model {

const char *kindName(ProgramNode::Kind kind) {
  static const char *const names[] = {"Sequence",       "Execute",
                                      "Copy",           "StreamToTensor",
                                      "TensorToStream", "RemoteToTensor",
                                      "TensorToRemote", "Repeat",
                                      "RepeatWhile",    "If",
                                      "Switch",         "Call",
                                      "Sync",           "WriteUndef",
                                      "PrintTensor",    "ErrorProgram",
                                      "Abort",          "AssumeEqualAcrossReplicas",
                                      "CycleStamp"};
  return names[static_cast<std::size_t>(kind)];
}

} // namespace ipu_model

namespace poplar::program {
using ipu_model::ProgramNode;
using Kind = ProgramNode::Kind;

namespace {

std::shared_ptr<ProgramNode> makeNode(Kind kind, const DebugContext &name, std::vector<Tensor> tensors = {},
                                      std::vector<Program> children = {}) {
  auto node = std::make_shared<ProgramNode>();
  node->kind = kind;
  node->name = name.getPathName();
  node->tensors = std::move(tensors);
  node->children = std::move(children);
  for (const Tensor &tensor : node->tensors)
    if (!tensor.valid())
      throw control_program_error(std::string(ipu_model::kindName(kind)) + " '" + node->name +
                                  "': a tensor was never assigned");
  return node;
}

std::string where(const char *program, const DebugContext &name) {
  const std::string path = name.getPathName();
  return std::string(program) + (path.empty() ? "" : " '" + path + "'");
}

void checkPredicate(const char *program, const Tensor &predicate, const DebugContext &name) {
  if (predicate.valid() && predicate.numElements() != 1)
    throw control_program_error(where(program, name) + ": the predicate " + predicate.getDebugStr() + " has shape " +
                                predicate.shapeToString() + "; it must be one element");
  const Type type = predicate.elementType();
  if (type.isFloatingPoint())
    throw type_error(where(program, name) + ": the predicate " + predicate.getDebugStr() + " has the type '" +
                     type.toString() + "'; it must be bool or an integer");
}

} // namespace

Program::Program() : node_(std::make_shared<ProgramNode>()) {}

bool Program::isEmpty() const { return node_->kind == Kind::Sequence && node_->children.empty(); }

ProgramNode &Program::own() {
  if (node_.use_count() > 1) node_ = std::make_shared<ProgramNode>(*node_);
  return *node_;
}

Sequence::Sequence(const DebugContext &name) : Program(makeNode(Kind::Sequence, name)) {}
Sequence::Sequence(std::initializer_list<Program> programs, const DebugContext &name)
    : Program(makeNode(Kind::Sequence, name, {}, programs)) {}
Sequence::Sequence(const std::vector<Program> &programs, const DebugContext &name)
    : Program(makeNode(Kind::Sequence, name, {}, programs)) {}
void Sequence::add(const Program &program) {
  const Program copy = program; // keeps `program` apart where it is this sequence itself
  own().children.push_back(copy);
}

Execute::Execute(ComputeSet computeSet, const DebugContext &name) : Program(makeNode(Kind::Execute, name)) {
  node_->target = computeSet.getId();
}
Execute::Execute(ComputeSet computeSet, const Tensor &allTrue, const DebugContext &name)
    : Program(makeNode(Kind::Execute, name, {allTrue})) {
  checkPredicate("Execute", allTrue, name);
  node_->target = computeSet.getId();
}

Copy::Copy(const Tensor &source, const Tensor &destination, bool, const DebugContext &name)
    : Program(makeNode(Kind::Copy, name, {source, destination})) {
  if (source.elementType() != destination.elementType())
    throw type_error(where("Copy", name) + " of " + source.getDebugStr() + " of type '" +
                     source.elementType().toString() + "' to " + destination.getDebugStr() + " of type '" +
                     destination.elementType().toString() + "'");
  if (source.numElements() != destination.numElements())
    throw control_program_error(where("Copy", name) + " of " + source.getDebugStr() + " of shape " +
                                source.shapeToString() + " to " + destination.getDebugStr() + " of shape " +
                                destination.shapeToString() + ", which has another number of elements");
}

namespace {
void checkChannel(const char *what, const ipu_model::Channel &channel, const Tensor &tensor, std::size_t rows,
                  const DebugContext &name) {
  if (!channel.valid())
    throw control_program_error(where("Copy", name) + ": the " + what + " was never assigned; assign it what the "
                                "graph's add function returns");
  if (channel.elementType() != tensor.elementType())
    throw type_error(where("Copy", name) + ": " + what + " '" + channel.handle() + "' holds '" +
                     channel.elementType().toString() + "', tensor " + tensor.getDebugStr() + " '" +
                     tensor.elementType().toString() + "'");
  if (channel.numElements() * rows != tensor.numElements())
    throw control_program_error(where("Copy", name) + ": " + what + " '" + channel.handle() + "' transfers " +
                                std::to_string(channel.numElements() * rows) + " elements, tensor " +
                                tensor.getDebugStr() + " has " + std::to_string(tensor.numElements()));
}

void checkOffset(const Tensor &offset, const DebugContext &name) {
  if (!ipu_model::isInteger(offset.elementType()))
    throw type_error(where("Copy", name) + ": the offset " + offset.getDebugStr() + " has the type '" +
                     offset.elementType().toString() + "'; it must be an integer");
}
} // namespace

Copy::Copy(const DataStream &source, const Tensor &destination, bool, const DebugContext &name)
    : Program(makeNode(Kind::StreamToTensor, name, {destination})) {
  checkChannel("stream", source, destination, 1, name);
  node_->channel = source.data();
  if (!node_->channel->toDevice)
    throw control_program_error(where("Copy", name) + ": stream '" + source.handle() +
                                "' goes from device to host; nothing can be copied from it");
}
Copy::Copy(const Tensor &source, const DataStream &destination, bool, const DebugContext &name)
    : Program(makeNode(Kind::TensorToStream, name, {source})) {
  checkChannel("stream", destination, source, 1, name);
  node_->channel = destination.data();
  if (node_->channel->toDevice)
    throw control_program_error(where("Copy", name) + ": stream '" + destination.handle() +
                                "' goes from host to device; nothing can be copied to it");
}
Copy::Copy(const RemoteBuffer &source, const Tensor &destination, const DebugContext &name)
    : Program(makeNode(Kind::RemoteToTensor, name, {destination})) {
  checkChannel("remote buffer", source, destination, 1, name);
  node_->channel = source.data();
}
Copy::Copy(const RemoteBuffer &source, const Tensor &destination, const Tensor &offset, const DebugContext &name)
    : Program(makeNode(Kind::RemoteToTensor, name, {destination, offset})) {
  checkOffset(offset, name);
  checkChannel("remote buffer", source, destination, offset.numElements(), name);
  node_->channel = source.data();
}
Copy::Copy(const Tensor &source, const RemoteBuffer &destination, const DebugContext &name)
    : Program(makeNode(Kind::TensorToRemote, name, {source})) {
  checkChannel("remote buffer", destination, source, 1, name);
  node_->channel = destination.data();
}
Copy::Copy(const Tensor &source, const RemoteBuffer &destination, const Tensor &offset, const DebugContext &name)
    : Program(makeNode(Kind::TensorToRemote, name, {source, offset})) {
  checkOffset(offset, name);
  checkChannel("remote buffer", destination, source, offset.numElements(), name);
  node_->channel = destination.data();
}

Repeat::Repeat(unsigned count, const Program &body, const DebugContext &name)
    : Program(makeNode(Kind::Repeat, name, {}, {body})) {
  node_->count = count;
}

RepeatWhileTrue::RepeatWhileTrue(const Program &condition, const Tensor &predicate, const Program &body,
                                 const DebugContext &name)
    : Program(makeNode(Kind::RepeatWhile, name, {predicate}, {condition, body})) {
  checkPredicate("RepeatWhileTrue", predicate, name);
  node_->whileValue = true;
}
RepeatWhileFalse::RepeatWhileFalse(const Program &condition, const Tensor &predicate, const Program &body,
                                   const DebugContext &name)
    : Program(makeNode(Kind::RepeatWhile, name, {predicate}, {condition, body})) {
  checkPredicate("RepeatWhileFalse", predicate, name);
}

If::If(const Tensor &predicate, const Program &whenTrue, const Program &whenFalse, const DebugContext &name)
    : Program(makeNode(Kind::If, name, {predicate}, {whenTrue, whenFalse})) {
  checkPredicate("If", predicate, name);
}

Switch::Switch(const Tensor &control, const DebugContext &name) : Switch(control, ArrayRef<Case>(), Program(), name) {
  // Without a default the SDK leaves other values undefined; here they do nothing.
}
Switch::Switch(const Tensor &control, ArrayRef<Case> cases, const DebugContext &name)
    : Switch(control, cases, Program(), name) {}
Switch::Switch(const Tensor &control, const Program &otherwise, const DebugContext &name)
    : Switch(control, ArrayRef<Case>(), otherwise, name) {}
Switch::Switch(const Tensor &control, ArrayRef<Case> cases, const Program &otherwise, const DebugContext &name)
    : Program(makeNode(Kind::Switch, name, {control}, {otherwise})) {
  if (control.elementType() != INT && control.elementType() != UNSIGNED_INT)
    throw type_error(where("Switch", name) + ": the control tensor has the type '" + control.elementType().toString() +
                     "'; it must be int or unsigned int");
  checkPredicate("Switch", control, name);
  for (const Case &c : cases) add(c.first, c.second);
}
Switch Switch::switchWithBoundsChecking(const Tensor &control, ArrayRef<Case> cases, const DebugContext &name) {
  return Switch(control, cases, ErrorProgram("no case of the Switch has this value", control, name), name);
}
Switch Switch::switchWithUnreachableDefault(const Tensor &control, const DebugContext &name) {
  return Switch(control, ErrorProgram("no case of the Switch has this value", control, name), name);
}
Switch &Switch::add(std::int32_t value, const Program &body) {
  ProgramNode &node = own();
  for (std::int32_t other : node.cases)
    if (other == value)
      throw control_program_error("Switch '" + node.name + "': the case " + std::to_string(value) + " is given twice");
  node.cases.push_back(value);
  node.children.push_back(body); // after the default, which is child 0
  return *this;
}

Call::Call(Function function, const DebugContext &name) : Program(makeNode(Kind::Call, name)) {
  node_->target = function.getId();
}

Call::Call(const HostFunction &, ArrayRef<Tensor>, ArrayRef<Tensor>, const DebugContext &) {
  throw poplar_error("Call of a HostFunction is not covered by the model: connect a stream to a callback");
}

Sync::Sync(SyncType type, const DebugContext &name) : Program(makeNode(Kind::Sync, name)) { node_->sync = type; }

WriteUndef::WriteUndef(const Tensor &tensor, const DebugContext &name)
    : Program(makeNode(Kind::WriteUndef, name, {tensor})) {}

Block::Block(const Program &body, const DebugContext &name) : Program(makeNode(Kind::Sequence, name, {}, {body})) {}

PrintTensor::PrintTensor(const Tensor &tensor, const DebugContext &name)
    : PrintTensor(name.getPathName(), tensor, PrintTensorFmt(), name) {}
PrintTensor::PrintTensor(const Tensor &tensor, const PrintTensorFmt &format, const DebugContext &name)
    : PrintTensor(name.getPathName(), tensor, format, name) {}
PrintTensor::PrintTensor(StringRef title, const Tensor &tensor, const DebugContext &name)
    : PrintTensor(title, tensor, PrintTensorFmt(), name) {}
PrintTensor::PrintTensor(StringRef title, const Tensor &tensor, const PrintTensorFmt &format, const DebugContext &name)
    : Program(makeNode(Kind::PrintTensor, name, {tensor})) {
  node_->message = std::string(title);
  node_->format = format;
}

ErrorProgram::ErrorProgram(StringRef message, const Tensor &tensor, const DebugContext &name)
    : Program(makeNode(Kind::Error, name, {tensor})) {
  node_->message = std::string(message);
}

Abort::Abort(const DebugContext &name) : Abort("", name) {}
Abort::Abort(const std::string &message, const DebugContext &name) : Program(makeNode(Kind::Abort, name)) {
  node_->message = message;
}
AbortOnCondition::AbortOnCondition(const Tensor &predicate, const DebugContext &name)
    : AbortOnCondition(predicate, std::string(), name) {}
AbortOnCondition::AbortOnCondition(const Tensor &predicate, const std::string &message, const DebugContext &name)
    : Program(makeNode(Kind::Abort, name, {predicate})) {
  checkPredicate("AbortOnCondition", predicate, name);
  node_->message = message;
}

void CrossReplicaCopy::refuse() {
  throw poplar::poplar_error("CrossReplicaCopy is not covered by the model: it runs one replica");
}

AssumeEqualAcrossReplicas::AssumeEqualAcrossReplicas(const Tensor &tensor, const DebugContext &name)
    : Program(makeNode(Kind::AssumeEqual, name, {tensor})) {}

} // namespace poplar::program
