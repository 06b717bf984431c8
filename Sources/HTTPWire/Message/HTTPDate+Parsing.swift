extension HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970 of a date in one of the three forms that must be taken (RFC 9110, section 5.6.7):
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`; nil for anything else.
    package static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        switch words.count {
        case 6 where words[5] == "GMT": return seconds(words[1], words[2], words[3], words[4])
        case 5: return seconds(words[2], words[1], words[4], words[3])
        case 4 where words[3] == "GMT":
            let date = words[1].split(separator: "-")
            guard date.count == 3, date[2].utf8.count == 2, let year = Int(date[2]) else { return nil }
            return seconds(date[0], date[1], "\(year < 70 ? 2000 + year : 1900 + year)", words[2])
        default: return nil
        }
    }

    private static func seconds(_ day: Substring, _ month: Substring, _ year: Substring, _ time: Substring) -> Int64? {
        guard let day = Int64(day), (1...31).contains(day), let month = months.firstIndex(of: String(month)),
            let year = Int64(year), (1970...9999).contains(year)
        else { return nil }
        let time = time.split(separator: ":").compactMap { Int64($0) }
        guard time.count == 3, (0...23).contains(time[0]), (0...59).contains(time[1]), (0...60).contains(time[2]) else {
            return nil
        }
        // Days since 1970 of a civil date: years that begin in March, so that the leap day is their last.
        let shifted = Int64(month) < 2 ? year - 1 : year
        let monthFromMarch = (Int64(month) + 10) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return days * 86_400 + time[0] * 3_600 + time[1] * 60 + time[2]
    }
}
