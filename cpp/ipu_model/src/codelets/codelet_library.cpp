#include "codelet_library.hpp"

#include "codelet_cache.hpp"
#include "compiler.hpp"
#include "debug_info.hpp"
#include "entry_points.hpp"

#include "../../device/ipu_model/tables.hpp"

#include <poplar/exceptions.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>

namespace ipu_model {
namespace fs = std::filesystem;

namespace {

using poplar::graph_program_compilation_error;

// ---- fields and their sizes on a tile -------------------------------------------------------------------------

/// The device's enumeration of layouts, see device/poplar/VectorTypes.hpp; lists of vectors start at 100.
Layout layoutOf(unsigned code) {
  static const std::map<unsigned, Layout> layouts{
      {0, Layout::NotAVector},  {1, Layout::Span},        {2, Layout::ShortSpan},        {3, Layout::OnePtr},
      {4, Layout::ScaledPtr32}, {5, Layout::ScaledPtr64}, {6, Layout::ScaledPtr128},     {7, Layout::CompactPtr},
      {100, Layout::OnePtr},    {101, Layout::DeltaN},    {102, Layout::DeltaNElements}, {103, Layout::CompactDeltaN}};
  return layouts.at(code);
}

/// Bytes of vertex state that a packed pointer (and length) takes on a tile: spec poplar, section 2, "Memory". The
/// sizes of COMPACT_PTR and of the delta layouts are not documented; a 32-bit word, and base plus offset, are assumed.
std::size_t layoutBytes(Layout layout) {
  switch (layout) {
  case Layout::Span:
  case Layout::DeltaN:
  case Layout::DeltaNElements: return 8;
  case Layout::ScaledPtr32:
  case Layout::ScaledPtr64:
  case Layout::ScaledPtr128: return 2;
  default: return 4;
  }
}

/// Rows of a VectorList are one word (offset and length); rows of a list of edges are packed as their own layout says.
std::size_t rowBytes(const Field &field) {
  return field.shape == FieldShape::VectorList ? layoutBytes(field.rowLayout) : 0;
}

std::size_t stateBytes(const Field &field, std::size_t tileElementSize) {
  if (field.shape == FieldShape::Scalar) return field.direction == Direction::State ? tileElementSize : 4;
  return layoutBytes(field.layout);
}

bool isWideOnHost(const Field &field) {
  return field.elementSize == 8 && (field.elementType == "int" || field.elementType == "unsigned int");
}

/// "unsigned int [100]" out of the compiler's "... [T = unsigned int[100]]", with popc's blank.
std::string typeSpelling(const std::string &prettyFunction) {
  const std::size_t begin = prettyFunction.find("T = ");
  if (begin == std::string::npos) return prettyFunction;
  std::string type = prettyFunction.substr(begin + 4, prettyFunction.size() - begin - 5);
  const std::size_t bracket = type.find('[');
  if (bracket != std::string::npos && bracket > 0 && type[bracket - 1] != ' ') type.insert(bracket, " ");
  return type;
}

Field fieldFrom(const device::FieldEntry &entry) {
  Field field;
  field.name = entry.name;
  field.direction = static_cast<Direction>(entry.type.direction);
  field.shape = static_cast<FieldShape>(entry.type.shape);
  field.elementType = entry.type.element;
  field.layout = layoutOf(entry.type.layout);
  field.rowLayout = layoutOf(entry.type.rowLayout);
  field.minAlign = entry.type.minAlign;
  field.interleaved = entry.type.interleaved;
  field.offset = entry.offset;
  field.elementSize = entry.type.elementSize;
  field.ipuBytes = stateBytes(field, isWideOnHost(field) ? 4 : field.elementSize);
  field.ipuRowBytes = rowBytes(field);
  return field;
}

std::size_t vertexStateBytes(const std::vector<Field> &fields) {
  std::size_t bytes = 0;
  for (const Field &field : fields) {
    const std::size_t align = std::min<std::size_t>(field.ipuBytes, 4);
    bytes = (bytes + align - 1) / align * align + field.ipuBytes;
  }
  return (bytes + 3) / 4 * 4;
}

// ---- loading --------------------------------------------------------------------------------------------------

struct Loaded {
  void *handle;
  const device::LibraryEntry *entry;
};

/// Handle null: not a codelet library of this version.
Loaded load(const fs::path &object) {
  void *handle = dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return {nullptr, nullptr};
  const auto *entry = static_cast<const device::LibraryEntry *>(dlsym(handle, "ipu_model_codelets"));
  if (entry && entry->version == entryPointVersion) return {handle, entry};
  dlclose(handle);
  return {nullptr, nullptr};
}

VertexClass classFrom(const device::ClassEntry &entry, const device::LibraryEntry &library) {
  VertexClass result;
  result.name = entry.name;
  result.kind = static_cast<VertexKind>(entry.kind);
  result.size = entry.size;
  result.align = entry.align;
  for (std::size_t i = 0; i < entry.fieldCount; ++i) result.fields.push_back(fieldFrom(entry.fields[i]));
  result.ipuStateBytes = vertexStateBytes(result.fields);
  result.usesRandom = library.seedRandom != nullptr;
  result.construct = entry.construct;
  result.compute = entry.compute;
  result.perfEstimate = entry.perfEstimate;
  result.seedRandom = library.seedRandom;
  return result;
}

// ---- compiling ------------------------------------------------------------------------------------------------

} // namespace

struct CodeletLibrary::Source {
  std::string path; ///< empty: the text counts
  std::string text;
  std::vector<std::string> flags;
  std::string label() const { return path.empty() ? "codelet text" : path; }
};

namespace {

using Source = CodeletLibrary::Source;

/// Adds what popc would say about fields that vertex state cannot hold.
void refuseUnsupportedFields(const std::vector<ReflectedClass> &classes, const device::LibraryEntry &entry) {
  std::string errors;
  for (std::size_t c = 0; c < classes.size(); ++c)
    for (std::size_t f = 0; f < classes[c].fields.size(); ++f) {
      const ReflectedField &field = classes[c].fields[f];
      const device::FieldEntry &described = entry.classes[c].fields[f];
      if (described.type.shape == device::Shape::Unsupported)
        errors += field.file + ":" + std::to_string(field.line) + ": error: Field '" + classes[c].name + "." +
                  field.name + "' has unsupported field type '" + typeSpelling(described.typeText) + "'\n";
    }
  if (!errors.empty())
    throw graph_program_compilation_error(
        errors + "Fields may be scalars of a device type, Input, Output and InOut of these, and vectors of at most "
                 "two dimensions of them; pass other structures as a vector of char and cast its data.");
}

void refuseProblems(const std::vector<ReflectedClass> &classes) {
  std::string errors;
  for (const ReflectedClass &reflected : classes) {
    if (!reflected.problem.empty()) errors += reflected.problem + "\n";
    if (!reflected.hasCompute)
      errors += reflected.file + ":" + std::to_string(reflected.line) + ": error: vertex '" + reflected.name +
                "' has no compute() function\n";
  }
  if (!errors.empty()) throw graph_program_compilation_error(errors);
}

void refuseHeap(const fs::path &object, const Source &source) {
  const std::vector<std::string> calls = heapCalls(object);
  if (!calls.empty())
    throw poplar::link_error(source.label() + ": undefined symbol " + calls[0] +
                             ": tiles have no heap; take memory from a Vector field instead of new or malloc");
}

/// Whether the source asks for the IPU target's macro, which it was not given.
bool hasIpuPart(const Source &source) {
  std::string text = source.text;
  if (!source.path.empty()) {
    std::ifstream file(source.path);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  return text.find("__IPU__") != std::string::npos &&
         std::find(source.flags.begin(), source.flags.end(), "-D__IPU__") == source.flags.end();
}

/// Compiles, reflects, and puts the shared object at `object`.
void build(const Source &source, const std::string &preprocessed, const fs::path &object, std::string &messages) {
  const CodeletCompiler &compiler = CodeletCompiler::instance();
  const TemporaryFolder folder;
  const fs::path forReflection = folder.path() / "reflection.so", forExecution = folder.path() / "codelets.so";
  compiler.compileForReflection(preprocessed, source.flags, forReflection, messages);
  const std::vector<ReflectedClass> classes = reflectVertexClasses(forReflection);
  refuseProblems(classes);
  if (classes.empty() && (hasIpuPart(source) || preprocessed.find("LibraryEntry") == std::string::npos))
    throw graph_program_compilation_error(source.label() + ": error: no vertex class is defined");
  const bool usesRandom = preprocessed.find("__builtin_ipu_urand32()") != std::string::npos;
  compiler.compileForExecution(preprocessed + entryPointSource(classes, usesRandom), source.flags, forExecution);
  refuseHeap(forExecution, source);

  const Loaded loaded = load(forExecution);
  if (!loaded.handle)
    throw graph_program_compilation_error("cannot load the codelets of " + source.label() + ": " + dlerror());
  const std::unique_ptr<void, int (*)(void *)> closer(loaded.handle, dlclose);
  refuseUnsupportedFields(classes, *loaded.entry);
  fs::copy_file(forExecution, object, fs::copy_options::overwrite_existing);
}

/// Something that the strict headers refuse, while popc for hardware, or an older one, lets it pass.
struct Tolerance {
  std::vector<const char *> causes; ///< parts of compiler messages that call for it
  std::vector<const char *> vetoes; ///< parts that forbid it
  std::vector<std::string> flags;
  std::string warning;

  bool answers(const std::string &errors) const {
    const auto named = [&](const char *part) { return errors.find(part) != std::string::npos; };
    return std::any_of(causes.begin(), causes.end(), named) && std::none_of(vetoes.begin(), vetoes.end(), named);
  }
};

const std::vector<Tolerance> &tolerances() {
  static const std::vector<Tolerance> all{
      {{"casts away qualifiers", "would lose const qualifier", "with an rvalue of type 'const", "from 'const"},
       {"cannot assign to", "is not assignable", "read-only"},
       {"-DIPU_MODEL_CASTABLE_INPUTS"},
       "casts an Input to a pointer that could write; SDK 1.x allowed it, writing through it is undefined"},
      {{"'rptsize_t'", "'float2'", "'float4'", "'half2'", "'half4'", "'short2'", "'int2'", "__builtin_ipu_", "'ipu'"},
       {},
       {"-include", "ipu_intrinsics"},
       "uses names of the IPU target without including them; the SDK's IPUModel target refuses that"},
      {{"no vertex class is defined"},
       {},
       {"-D__IPU__"},
       "keeps its vertices for the IPU target; compiled with __IPU__ defined"}};
  return all;
}

/// The path of the C++ source to compile. A compiled file (.gp) that is not there stands for the source of the same
/// name beside it, from which a makefile would have made it.
fs::path sourceOf(const fs::path &path) {
  std::error_code error;
  const std::string kind = path.extension().string();
  if (kind == ".gp" && !fs::exists(path, error)) {
    const fs::path source = fs::path(path).replace_extension(".cpp");
    if (fs::is_regular_file(source, error)) return source;
  }
  for (const char *other : {".gp", ".s", ".S", ".asm", ".o"})
    if (kind == other)
      throw graph_program_compilation_error(path.string() +
                                            ": the model runs codelets from C++ source only, not from '" + kind +
                                            "' files; pass the .cpp file");
  if (!fs::is_regular_file(path, error))
    throw graph_program_compilation_error(path.string() + ": no such codelet file (searched from " +
                                          fs::current_path().string() + ")");
  return path;
}

} // namespace

/// Loads the compiled source from the cache, after compiling it if need be.
std::shared_ptr<const CodeletLibrary> CodeletLibrary::open(const Source &source, std::string messages) {
  static std::map<std::string, std::weak_ptr<const CodeletLibrary>> libraries;
  const CodeletCompiler &compiler = CodeletCompiler::instance();
  const std::string preprocessed = compiler.preprocess(source.path, source.text, source.flags, messages);
  std::vector<std::string> identity = source.flags;
  identity.insert(identity.end(), {preprocessed, compiler.identity(), std::to_string(entryPointVersion)});
  const std::string key = contentHash(identity) + ".so";
  if (auto loaded = libraries[key].lock()) return loaded;

  const auto make = [&](const fs::path &object) { build(source, preprocessed, object, messages); };
  const fs::path object = cachedFile(key, make);
  Loaded loaded = load(object);
  if (!loaded.handle) { // a damaged file of the cache
    fs::remove(object);
    loaded = load(cachedFile(key, make));
  }
  if (!loaded.handle)
    throw graph_program_compilation_error("cannot load the codelets of " + source.label() + " from " + object.string());
  std::vector<VertexClass> classes;
  for (std::size_t i = 0; i < loaded.entry->classCount; ++i)
    classes.push_back(classFrom(loaded.entry->classes[i], *loaded.entry));
  std::shared_ptr<const CodeletLibrary> library(
      new CodeletLibrary(loaded.handle, std::move(classes), std::move(messages)));
  libraries[key] = library;
  return library;
}

std::shared_ptr<const CodeletLibrary> CodeletLibrary::openTolerantly(Source source) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  std::string messages, firstError;
  std::vector<Tolerance> left = tolerances();
  while (true) try {
      return open(source, messages);
    } catch (const graph_program_compilation_error &error) {
      if (firstError.empty()) firstError = error.what();
      const auto wanted =
          std::find_if(left.begin(), left.end(), [&](const Tolerance &t) { return t.answers(error.what()); });
      if (wanted == left.end()) throw graph_program_compilation_error(firstError);
      source.flags.insert(source.flags.end(), wanted->flags.begin(), wanted->flags.end());
      messages += source.label() + ": warning: " + wanted->warning + "\n";
      left.erase(wanted);
    }
}

std::shared_ptr<const CodeletLibrary> CodeletLibrary::fromFile(const std::string &path, const std::string &flags) {
  return openTolerantly({sourceOf(path).string(), "", splitFlags(flags)});
}

std::shared_ptr<const CodeletLibrary> CodeletLibrary::fromText(const std::string &source, const std::string &flags) {
  return openTolerantly({"", source, splitFlags(flags)});
}

CodeletLibrary::CodeletLibrary(void *handle, std::vector<VertexClass> classes, std::string messages)
    : handle_(handle), classes_(std::move(classes)), messages_(std::move(messages)) {}

CodeletLibrary::~CodeletLibrary() { dlclose(handle_); }

const VertexClass *CodeletLibrary::find(const std::string &name) const {
  const auto found =
      std::find_if(classes_.begin(), classes_.end(), [&](const VertexClass &c) { return c.name == name; });
  return found == classes_.end() ? nullptr : &*found;
}

const Field *VertexClass::find(const std::string &fieldName) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field &f) { return f.name == fieldName; });
  return found == fields.end() ? nullptr : &*found;
}

// ---- binding --------------------------------------------------------------------------------------------------

void bindVector(void *object, const Field &field, void *first, std::size_t n) {
  const device::EdgeImage image{first, n};
  std::memcpy(static_cast<std::byte *>(object) + field.offset, &image, sizeof image);
}

void bindVectorList(void *object, const Field &field, const std::vector<std::pair<void *, std::size_t>> &rows,
                    std::vector<std::byte> &storage) {
  storage.resize(rows.size() * sizeof(device::EdgeImage));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const device::EdgeImage row{rows[i].first, rows[i].second};
    std::memcpy(storage.data() + i * sizeof row, &row, sizeof row);
  }
  bindVector(object, field, storage.data(), rows.size());
}

void setState(void *object, const Field &field, const void *value) {
  std::byte *member = static_cast<std::byte *>(object) + field.offset;
  if (!isWideOnHost(field)) {
    std::memcpy(member, value, field.elementSize);
    return;
  }
  std::int32_t narrow;
  std::memcpy(&narrow, value, sizeof narrow);
  const std::int64_t wide = field.elementType == "int" ? std::int64_t{narrow} : static_cast<std::uint32_t>(narrow);
  std::memcpy(member, &wide, sizeof wide);
}

} // namespace ipu_model
