import ArgumentParser

/// A length of time on the command line: `60s`, `10m`, `1h`, or seconds; at most a day.
struct TimeSpan: ExpressibleByArgument {
    let seconds: Int

    static func seconds(_ seconds: Int) -> TimeSpan { TimeSpan(seconds: seconds) }

    private init(seconds: Int) { self.seconds = seconds }

    init?(argument: String) {
        let units = ["s": 1, "m": 60, "h": 3_600]
        let unit = argument.last.flatMap { units[String($0)] }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        guard let count = Int(digits), (0...86_400).contains(count) else { return nil }
        seconds = count * (unit ?? 1)
        guard seconds <= 86_400 else { return nil }
    }

    var defaultValueDescription: String { "\(seconds)s" }
}
