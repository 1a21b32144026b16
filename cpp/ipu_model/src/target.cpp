#include "cost_model.hpp"
#include "numbers.hpp"
#include "poplar/DeviceManager.hpp"
#include "poplar/IPUModel.hpp"
#include "poplar/exceptions.hpp"
#include <algorithm>
#include <cstdlib>
#include <istream>
#include <iterator>

namespace poplar {
namespace {

std::shared_ptr<const ipu_model::TargetData> makeTarget(const ipu_model::Machine &machine, TargetType type) {
  if (machine.numIPUs == 0 || machine.tilesPerIPU == 0 || machine.numWorkerContexts == 0)
    throw invalid_machine_model("a machine needs at least one IPU, tile and worker");
  auto target = std::make_shared<ipu_model::TargetData>();
  target->type = type;
  target->arch = type == TargetType::CPU ? "cpu" : machine.IPUVersion;
  target->machine = machine;
  const bool mk1 = machine.IPUVersion == "ipu1";
  target->atomicStoreBytes = mk1 ? 4 : 8;
  constexpr unsigned elementBytes = 16 * 1024;
  const unsigned base = mk1 ? 0x40000 : 0x4c000;
  for (unsigned offset = 0; offset < machine.memoryBytesPerTile && offset < (1u << 22); offset += elementBytes)
    target->memoryElementOffsets.push_back(base + offset);
  return target;
}

} // namespace

IPUModel::IPUModel(const char *version) {
  IPUVersion = version;
  const bool mk1 = IPUVersion == "ipu1";
  if (!mk1 && IPUVersion != "ipu2" && IPUVersion != "ipu21")
    throw invalid_machine_model("IPU version '" + IPUVersion + "' is not known; use ipu1, ipu2 or ipu21");
  tilesPerIPU = mk1 ? 1216 : 1472;
  memoryBytesPerTile = mk1 ? 256 * 1024 : 624 * 1024;
  tileClockFrequency = mk1 ? 1.6e9 : IPUVersion == "ipu2" ? 1.33e9 : 1.85e9;
  minIPUSyncDelay = static_cast<unsigned>(ipu_model::costOf(ipu_model::cost::internalSync));
  globalSyncCycles = static_cast<unsigned>(ipu_model::costOf(ipu_model::cost::globalSync));
  interleavedMemoryElementIndex = mk1 ? 8 : 13;
  supportsSuperTileSendReceive = mk1;
}

Device IPUModel::createDevice(const OptionFlags &, bool, unsigned id) const {
  return Device(Target(makeTarget(*this, TargetType::IPU_MODEL)), id == ~0u ? 0 : id);
}

std::string toString(TargetType type) {
  switch (type) {
  case TargetType::IPU: return "IPU";
  case TargetType::IPU_MODEL: return "IPU_MODEL";
  case TargetType::CPU: return "CPU";
  }
  return "unknown";
}

namespace {

IPUModel cpuMachine(unsigned tiles) {
  IPUModel machine("ipu2");
  machine.tilesPerIPU = tiles;
  machine.memoryBytesPerTile = ~0u; // the host's memory is the limit
  return machine;
}

IPUModel systemMachine(StringRef systemType) {
  const std::string name(systemType);
  return IPUModel(name == "ipu1" ? "ipu1" : name == "ipu21" ? "ipu21" : "ipu2");
}

} // namespace

Target::Target() : data_(makeTarget(cpuMachine(1), TargetType::CPU)) {}

Target Target::createCPUTarget(bool, unsigned numIPUs) {
  IPUModel machine = cpuMachine(1);
  machine.numIPUs = numIPUs;
  return Target(makeTarget(machine, TargetType::CPU));
}

Target Target::createIPUTarget(unsigned numIPUs, StringRef systemType, const OptionFlags &) {
  IPUModel machine = systemMachine(systemType);
  machine.numIPUs = numIPUs;
  return Target(makeTarget(machine, TargetType::IPU));
}

Target Target::createIPUTarget(unsigned numIPUs, unsigned tilesPerIPU, StringRef systemType, const OptionFlags &) {
  IPUModel machine = systemMachine(systemType);
  machine.numIPUs = numIPUs;
  machine.tilesPerIPU = tilesPerIPU;
  return Target(makeTarget(machine, TargetType::IPU));
}

Target Target::createVirtualTarget(unsigned numIPUs, unsigned tilesPerIPU) const {
  ipu_model::Machine machine = data_->machine;
  machine.numIPUs = numIPUs;
  machine.tilesPerIPU = tilesPerIPU;
  return Target(makeTarget(machine, data_->type));
}

unsigned Target::getVectorWidth(const Type &type) const {
  return type == FLOAT ? getFloatVectorWidth() : type == HALF ? getHalfVectorWidth() : 1;
}

bool operator==(const Target &a, const Target &b) {
  return a.data_ == b.data_ ||
         (a.data_->arch == b.data_->arch && a.data_->type == b.data_->type && a.getNumIPUs() == b.getNumIPUs() &&
          a.getTilesPerIPU() == b.getTilesPerIPU() && a.getBytesPerTile() == b.getBytesPerTile());
}

void copyFloatToDeviceHalf(const Target &, const float *src, void *dst, std::size_t count) {
  std::transform(src, src + count, static_cast<std::uint16_t *>(dst), ipu_model::floatToHalf);
}
void copyDeviceHalfToFloat(const Target &, const void *src, float *dst, std::size_t count) {
  const auto *half = static_cast<const std::uint16_t *>(src);
  std::transform(half, half + count, dst, ipu_model::halfToFloat);
}
Device Device::createCPUDevice(unsigned numTiles) {
  return Device(Target(makeTarget(cpuMachine(numTiles), TargetType::CPU)));
}
Device Device::createSimulatorDevice(const Target &target, const OptionFlags &) { return Device(target); }
Device Device::createVirtualDevice(unsigned tilesPerIPU) const {
  return Device(target_.createVirtualTarget(target_.getNumIPUs(), tilesPerIPU), id_);
}

namespace {
/// The kind of model that stands in for hardware, or empty.
std::string hardwareStandIn() {
  const char *version = std::getenv("IPU_MODEL_AS_DEVICE");
  return version ? version : "";
}
} // namespace

std::vector<Device> DeviceManager::getDevices(const OptionFlags &options) const {
  std::vector<Device> devices;
  for (unsigned numIPUs = 1; numIPUs <= 4; numIPUs *= 2)
    for (Device &device : getDevices(TargetType::IPU, numIPUs, options))
      devices.emplace_back(device.getTarget(), static_cast<unsigned>(devices.size()));
  return devices;
}

std::vector<Device> DeviceManager::getDevices(TargetType type, unsigned numIPUs, const OptionFlags &options) const {
  std::vector<Device> devices;
  if (type == TargetType::CPU) {
    devices.push_back(Device::createCPUDevice());
    return devices;
  }
  const std::string standIn = hardwareStandIn();
  if (type == TargetType::IPU && standIn.empty()) return devices;
  IPUModel machine(type == TargetType::IPU ? standIn.c_str() : options.get("ipuVersion", "ipu2").c_str());
  machine.numIPUs = numIPUs;
  devices.emplace_back(Target(makeTarget(machine, type)));
  return devices;
}

Device DeviceManager::getDevice(unsigned id, const OptionFlags &options) const {
  std::vector<Device> devices = getDevices(options);
  if (id >= devices.size())
    throw runtime_error("no device with id " + std::to_string(id) + "; " + std::to_string(devices.size()) +
                        " found (set IPU_MODEL_AS_DEVICE=ipu2 to let the model stand in)");
  return std::move(devices[id]);
}

Device DeviceManager::acquireAvailableDevice(unsigned numIPUs) const {
  std::vector<Device> devices = getDevices(TargetType::IPU, numIPUs);
  if (devices.empty()) throw runtime_error("no IPU found; set IPU_MODEL_AS_DEVICE=ipu2 to let the model stand in");
  devices.front().attach();
  return std::move(devices.front());
}

std::ostream &operator<<(std::ostream &out, const OptionFlags &flags) {
  out << '{';
  const char *separator = "";
  for (const auto &[name, value] : flags) {
    out << separator << '"' << name << "\":\"" << value << '"';
    separator = ",";
  }
  return out << '}';
}

void readJSON(const std::string &text, OptionFlags &flags) {
  std::vector<std::string> strings;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' || c == '}') {
      depth += c == '{' ? 1 : -1;
    } else if (c == '"') {
      std::string value;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
        if (i < text.size()) value += text[i];
      }
      if (i >= text.size()) throw parse_error("options: a string that starts with \"" + value + "\" does not end");
      strings.push_back(value);
    } else if (c != ',' && c != ':' && c != ' ' && c != '\n' && c != '\t' && c != '\r') {
      throw parse_error("options: unexpected '" + std::string(1, c) + "' at byte " + std::to_string(i) +
                        "; expected {\"name\": \"value\", ...}");
    }
  }
  if (depth != 0 || strings.size() % 2 != 0)
    throw parse_error("options: expected {\"name\": \"value\", ...}, got: " + text);
  for (std::size_t i = 0; i < strings.size(); i += 2) flags.set(strings[i], strings[i + 1]);
}

void readJSON(std::istream &stream, OptionFlags &flags) {
  readJSON(std::string(std::istreambuf_iterator<char>(stream), {}), flags);
}

} // namespace poplar
