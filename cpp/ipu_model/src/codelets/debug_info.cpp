#include "debug_info.hpp"

#include <poplar/exceptions.hpp>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <set>

namespace ipu_model {
namespace {

/// Children of an entry, for range-for.
template <class F> void forEachChild(Dwarf_Die parent, F visit) {
  Dwarf_Die child;
  if (dwarf_child(&parent, &child) != 0) return;
  do visit(child);
  while (dwarf_siblingof(&child, &child) == 0);
}

std::optional<Dwarf_Word> number(Dwarf_Die entry, unsigned attribute) {
  Dwarf_Attribute value;
  Dwarf_Word result;
  if (!dwarf_attr_integrate(&entry, attribute, &value) || dwarf_formudata(&value, &result) != 0) return {};
  return result;
}

bool flag(Dwarf_Die entry, unsigned attribute) {
  Dwarf_Attribute value;
  bool result = false;
  return dwarf_attr_integrate(&entry, attribute, &value) && dwarf_formflag(&value, &result) == 0 && result;
}

std::string nameOf(Dwarf_Die entry) {
  const char *name = dwarf_diename(&entry);
  return name ? name : "";
}

std::optional<Dwarf_Die> typeOf(Dwarf_Die entry) {
  Dwarf_Attribute value;
  Dwarf_Die type;
  if (!dwarf_attr_integrate(&entry, DW_AT_type, &value) || !dwarf_formref_die(&value, &type)) return {};
  return type;
}

std::string fileOf(Dwarf_Die entry) {
  const char *file = dwarf_decl_file(&entry);
  const std::string path = file ? file : "";
  const std::size_t special = path.find('<'); // "<stdin>": compilers put their folder in front
  return special == std::string::npos ? path : path.substr(special);
}

int lineOf(Dwarf_Die entry) {
  int line = 0;
  return dwarf_decl_line(&entry, &line) == 0 ? line : 0;
}

bool isClass(Dwarf_Die entry) {
  const int tag = dwarf_tag(&entry);
  return tag == DW_TAG_class_type || tag == DW_TAG_structure_type;
}

/// One compilation unit: names of types with their scopes, and the classes found.
class Unit {
public:
  explicit Unit(Dwarf_Die root) { visit(root, ""); }

  std::vector<ReflectedClass> vertexClasses() {
    std::vector<ReflectedClass> found;
    std::set<std::string> seen;
    for (Dwarf_Die entry : classes_) {
      if (flag(entry, DW_AT_declaration) || !kindOf(entry)) continue;
      ReflectedClass reflected = reflect(entry);
      const bool onlyABase = bases_.count(dwarf_dieoffset(&entry)) && !reflected.hasCompute;
      if (!onlyABase && seen.insert(reflected.name).second) found.push_back(std::move(reflected));
    }
    return found;
  }

private:
  void visit(Dwarf_Die entry, const std::string &scope) {
    forEachChild(entry, [&](Dwarf_Die child) {
      switch (dwarf_tag(&child)) {
      case DW_TAG_namespace: {
        const std::string name = nameOf(child); // inline and anonymous namespaces are not spelled
        visit(child, name.empty() || flag(child, DW_AT_export_symbols) ? scope : scope + name + "::");
        break;
      }
      case DW_TAG_class_type:
      case DW_TAG_structure_type:
      case DW_TAG_union_type:
      case DW_TAG_enumeration_type: {
        scopes_[dwarf_dieoffset(&child)] = scope;
        if (isClass(child)) classes_.push_back(child);
        visit(child, scope + plainName(child) + "::");
        break;
      }
      case DW_TAG_inheritance:
        if (const auto base = typeOf(child)) bases_.insert(dwarf_dieoffset(&const_cast<Dwarf_Die &>(*base)));
        break;
      default: break;
      }
    });
  }

  /// The name without template arguments.
  static std::string plainName(Dwarf_Die entry) {
    const std::string name = nameOf(entry);
    return name.substr(0, name.find('<'));
  }

  /// Name with scope; template arguments spelled as hosts spell them, from the arguments themselves.
  std::string qualifiedName(Dwarf_Die type) {
    switch (dwarf_tag(&type)) {
    case DW_TAG_const_type:
    case DW_TAG_volatile_type: {
      const auto inner = typeOf(type);
      return (dwarf_tag(&type) == DW_TAG_const_type ? "const " : "volatile ") +
             (inner ? qualifiedName(*inner) : "void");
    }
    case DW_TAG_typedef: {
      const auto inner = typeOf(type);
      return inner ? qualifiedName(*inner) : nameOf(type);
    }
    case DW_TAG_pointer_type: {
      const auto inner = typeOf(type);
      return (inner ? qualifiedName(*inner) : "void") + "*";
    }
    default: break;
    }
    const auto scope = scopes_.find(dwarf_dieoffset(&type));
    const std::string arguments = templateArguments(type);
    return (scope == scopes_.end() ? "" : scope->second) + plainName(type) +
           (arguments.empty() ? "" : "<" + arguments.substr(1) + ">");
  }

  /// Each argument with a comma in front.
  std::string templateArguments(Dwarf_Die type) {
    std::string arguments;
    forEachChild(type, [&](Dwarf_Die child) {
      switch (dwarf_tag(&child)) {
      case DW_TAG_template_type_parameter: {
        const auto argument = typeOf(child);
        arguments += "," + (argument ? qualifiedName(*argument) : "void");
        break;
      }
      case DW_TAG_template_value_parameter: arguments += "," + templateValue(child); break;
      case DW_TAG_GNU_template_template_param: {
        Dwarf_Attribute value;
        const char *name = dwarf_formstring(dwarf_attr(&child, DW_AT_GNU_template_name, &value));
        arguments += "," + std::string(name ? name : "");
        break;
      }
      case DW_TAG_GNU_template_parameter_pack: arguments += templateArguments(child); break;
      default: break;
      }
    });
    return arguments;
  }

  std::string templateValue(Dwarf_Die parameter) {
    const auto type = typeOf(parameter);
    Dwarf_Attribute attribute;
    Dwarf_Sword value = 0;
    if (!type || !dwarf_attr(&parameter, DW_AT_const_value, &attribute) || dwarf_formsdata(&attribute, &value) != 0)
      return "?";
    Dwarf_Die peeled = *type;
    dwarf_peel_type(&peeled, &peeled);
    if (dwarf_tag(&peeled) == DW_TAG_enumeration_type) return enumerator(peeled, value);
    const auto encoding = number(peeled, DW_AT_encoding);
    if (encoding == DW_ATE_boolean) return value ? "true" : "false";
    if (encoding == DW_ATE_unsigned || encoding == DW_ATE_unsigned_char)
      return std::to_string(asUnsigned(value, number(peeled, DW_AT_byte_size).value_or(8)));
    return std::to_string(value);
  }

  static Dwarf_Word asUnsigned(Dwarf_Sword value, Dwarf_Word bytes) {
    const auto bits = static_cast<Dwarf_Word>(value);
    return bytes >= 8 ? bits : bits & ((Dwarf_Word{1} << 8 * bytes) - 1);
  }

  /// "ns::Enum::VALUE"; compilers write a number or a cast.
  std::string enumerator(Dwarf_Die type, Dwarf_Sword value) {
    std::string found;
    forEachChild(type, [&](Dwarf_Die child) {
      Dwarf_Attribute attribute;
      Dwarf_Sword candidate = 0;
      if (dwarf_tag(&child) == DW_TAG_enumerator && dwarf_attr(&child, DW_AT_const_value, &attribute) &&
          dwarf_formsdata(&attribute, &candidate) == 0 && candidate == value && found.empty())
        found = nameOf(child);
    });
    const std::string enumName = qualifiedName(type);
    return found.empty() ? "(" + enumName + ")" + std::to_string(value) : enumName + "::" + found;
  }

  /// Name of the vertex base that a class derives from, if any.
  std::optional<std::string> kindOf(Dwarf_Die entry) {
    std::optional<std::string> kind;
    forEachChild(entry, [&](Dwarf_Die child) {
      if (kind || dwarf_tag(&child) != DW_TAG_inheritance) return;
      auto base = typeOf(child);
      if (!base) return;
      dwarf_peel_type(&*base, &*base);
      const std::string name = qualifiedName(*base);
      for (const char *candidate : {"Vertex", "MultiVertex", "SupervisorVertex"})
        if (name == std::string("poplar::") + candidate) kind = candidate;
      if (!kind) kind = kindOf(*base);
    });
    return kind;
  }

  ReflectedClass reflect(Dwarf_Die entry) {
    ReflectedClass result;
    result.name = qualifiedName(entry);
    result.baseKind = *kindOf(entry);
    result.file = fileOf(entry);
    result.line = lineOf(entry);
    addMembers(entry, 0, result);
    return result;
  }

  void addMembers(Dwarf_Die entry, std::size_t base, ReflectedClass &result) {
    const auto refuse = [&](Dwarf_Die at, const std::string &what) {
      if (result.problem.empty()) result.problem = fileOf(at) + ":" + std::to_string(lineOf(at)) + ": error: " + what;
    };
    forEachChild(entry, [&](Dwarf_Die child) {
      const std::string name = nameOf(child);
      const auto offset = number(child, DW_AT_data_member_location);
      switch (dwarf_tag(&child)) {
      case DW_TAG_inheritance:
        if (auto type = typeOf(child)) {
          dwarf_peel_type(&*type, &*type);
          if (flag(child, DW_AT_virtuality) || number(child, DW_AT_virtuality).value_or(0))
            refuse(child, "vertex '" + result.name + "' has a virtual base class");
          else
            addMembers(*type, base + offset.value_or(0), result);
        }
        break;
      case DW_TAG_member:
        if (flag(child, DW_AT_external) || flag(child, DW_AT_declaration)) break; // static
        if (name.rfind("_vptr", 0) == 0)
          refuse(entry, "vertex '" + result.name + "' has virtual functions: vertex state has no room for them");
        else if (number(child, DW_AT_bit_size))
          refuse(child, "Field '" + result.name + "." + name + "' is a bit-field: unsupported field type");
        else if (name.empty())
          refuse(child, "vertex '" + result.name + "' has a field without a name: unsupported field type");
        else
          result.fields.push_back({name, base + offset.value_or(0), fileOf(child), lineOf(child)});
        break;
      case DW_TAG_subprogram:
        result.hasCompute |= name == "compute";
        result.hasCycleEstimate |= name == "getCycleEstimate";
        break;
      default: break;
      }
    });
  }

  std::map<Dwarf_Off, std::string> scopes_;
  std::vector<Dwarf_Die> classes_;
  std::set<Dwarf_Off> bases_;
};

class OpenFile {
public:
  explicit OpenFile(const std::filesystem::path &path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  OpenFile(const OpenFile &) = delete;
  OpenFile &operator=(const OpenFile &) = delete;
  int descriptor() const { return descriptor_; }

private:
  int descriptor_;
};

} // namespace

std::vector<ReflectedClass> reflectVertexClasses(const std::filesystem::path &object) {
  const OpenFile file(object);
  Dwarf *debug = file.descriptor() < 0 ? nullptr : dwarf_begin(file.descriptor(), DWARF_C_READ);
  if (!debug)
    throw poplar::graph_program_compilation_error("no debug information in the compiled codelet " + object.string() +
                                                  ": " + dwarf_errmsg(-1));
  std::vector<ReflectedClass> found;
  Dwarf_CU *unit = nullptr;
  Dwarf_Die root;
  while (dwarf_get_units(debug, unit, &unit, nullptr, nullptr, &root, nullptr) == 0)
    for (ReflectedClass &reflected : Unit(root).vertexClasses()) found.push_back(std::move(reflected));
  dwarf_end(debug);
  return found;
}

std::vector<std::string> heapCalls(const std::filesystem::path &object) {
  static const std::set<std::string> heap{"_Znwm",  "_Znam",   "_ZnwmSt11align_val_t", "_ZnamSt11align_val_t", "malloc",
                                          "calloc", "realloc", "aligned_alloc",        "posix_memalign"};
  std::vector<std::string> calls;
  const OpenFile file(object);
  elf_version(EV_CURRENT);
  Elf *elf = file.descriptor() < 0 ? nullptr : elf_begin(file.descriptor(), ELF_C_READ, nullptr);
  for (Elf_Scn *section = nullptr; elf && (section = elf_nextscn(elf, section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM || !header.sh_entsize) continue;
    Elf_Data *data = elf_getdata(section, nullptr);
    for (int i = 0; static_cast<GElf_Xword>(i) < header.sh_size / header.sh_entsize; ++i) {
      GElf_Sym symbol;
      if (!gelf_getsym(data, i, &symbol) || symbol.st_shndx != SHN_UNDEF) continue;
      const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name && heap.count(name)) calls.push_back(name);
    }
  }
  elf_end(elf);
  return calls;
}

} // namespace ipu_model
