#pragma once
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <string>
#include <utility>

namespace poplar {

/// String options by name, in the order of their names.
class OptionFlags {
public:
  using OptionFlag = std::pair<const std::string, std::string>;
  using iterator = std::map<std::string, std::string>::const_iterator;
  using initializer_list = std::initializer_list<OptionFlag>;

  OptionFlags() = default;
  OptionFlags(initializer_list options) : options_(options) {}
  void set(initializer_list options) {
    for (const auto &[name, value] : options) options_[name] = value;
  }
  void set(const std::string &name, const std::string &value) { options_[name] = value; }
  const std::string &at(const std::string &name) const { return options_.at(name); }
  iterator find(const std::string &name) const { return options_.find(name); }
  iterator begin() const { return options_.begin(); }
  iterator end() const { return options_.end(); }
  void clear() { options_.clear(); }
  std::size_t size() const { return options_.size(); }
  /// The value, or `otherwise` where the option is not set.
  std::string get(const std::string &name, const std::string &otherwise) const {
    const auto found = options_.find(name);
    return found == options_.end() ? otherwise : found->second;
  }
  friend bool operator==(const OptionFlags &a, const OptionFlags &b) { return a.options_ == b.options_; }

private:
  std::map<std::string, std::string> options_;
};

/// Adds the options of a JSON object of strings, {"name": "value", ...}.
void readJSON(const std::string &text, OptionFlags &flags);
void readJSON(std::istream &stream, OptionFlags &flags);
std::ostream &operator<<(std::ostream &out, const OptionFlags &flags);

} // namespace poplar
