package parse

import (
	"path"
	"strings"

	"kancelaria/registry"
)

// fileFlags says what a clerk must know of a file before opening it.
func fileFlags(name, declared string, k kind) []registry.Flag {
	var flags []registry.Flag
	add := func(when bool, f registry.Flag) {
		if when {
			flags = registry.AddFlags(flags, f)
		}
	}
	add(isExecutable(name, k), registry.FlagExecutable)
	add(k.macros || hasExt(name, ".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".xlsb", ".pptm", ".potm", ".ppam", ".ppsm"), registry.FlagMacros)
	add(doubleExtension(name), registry.FlagDoubleExtension)
	add(hasBidi(name), registry.FlagRTLName)
	add(mismatch(name, declared, k), registry.FlagTypeMismatch)
	add(k.encrypted, registry.FlagEncryptedAttachment)
	add(k.media == "application/ms-tnef", registry.FlagTNEF)
	return flags
}

// isExecutable reports whether opening the file could run it.
func isExecutable(name string, k kind) bool {
	switch k.media {
	case "application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-executable", "application/x-sharedlib",
		"application/x-mach-binary", "application/x-ms-shortcut", "application/x-msi", "application/vnd.ms-htmlhelp",
		"application/java-archive", "application/jar", "application/x-java-applet", "application/vnd.android.package-archive",
		"application/x-iso9660-image", "application/x-ms-installer", "text/x-shellscript", "application/wasm", "application/vnd.debian.binary-package", "application/x-rpm":
		return true
	}
	return hasExt(cleanForExt(name), ".exe", ".scr", ".com", ".bat", ".cmd", ".ps1", ".psm1", ".vbs", ".vbe", ".js", ".jse", ".wsf", ".wsh",
		".hta", ".lnk", ".iso", ".img", ".vhd", ".vhdx", ".one", ".chm", ".jar", ".msi", ".msp", ".reg", ".pif", ".cpl", ".dll", ".sys",
		".application", ".appx", ".msix", ".apk", ".url", ".scf", ".inf", ".gadget", ".xll", ".library-ms", ".settingcontent-ms")
}

// doubleExtension reports names like umowa.pdf.exe, where the first extension
// is a document's and the second runs.
func doubleExtension(name string) bool {
	name = strings.ToLower(cleanForExt(name))
	last := path.Ext(name)
	if !isExecutable("x"+last, kind{}) && !hasExt(name, ".zip", ".rar", ".7z", ".html", ".htm", ".svg") {
		return false
	}
	before := strings.TrimSpace(strings.TrimSuffix(name, last))
	return hasExt(before, ".pdf", ".doc", ".docx", ".odt", ".rtf", ".txt", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".xml", ".csv", ".mp3", ".mp4") &&
		isExecutable("x"+last, kind{})
}

// cleanForExt removes what is not seen, so that an extension is what Windows
// would take for it.
func cleanForExt(name string) string {
	name = strings.Map(func(r rune) rune {
		if isBidi(r) || isInvisible(r) || r < ' ' {
			return -1
		}
		return r
	}, name)
	return strings.TrimRight(name, ". ")
}

// mismatch reports whether a file says of itself that it is what it is not.
func mismatch(name, declared string, k kind) bool {
	is := family(k.media)
	if is == "" {
		return false
	}
	if says := extFamily(name); says != "" && says != is {
		return true
	}
	says := family(declared)
	return says != "" && says != is && extFamily(name) != is
}

// family groups media types; between members of one a mistake is harmless.
func family(media string) string {
	switch {
	case media == "application/pdf":
		return "pdf"
	case media == "image/svg+xml":
		return ""
	case strings.HasPrefix(media, "image/"):
		return "image"
	case isExecutable("", kind{media: media}):
		return "program"
	case media == "text/html":
		return "html"
	case media == "application/zip", media == "application/vnd.rar", media == "application/x-7z-compressed":
		return "archive"
	case strings.HasPrefix(media, "application/vnd.openxmlformats-officedocument."), strings.HasPrefix(media, "application/vnd.oasis.opendocument."),
		media == "application/msword", strings.HasPrefix(media, "application/vnd.ms-excel"), strings.HasPrefix(media, "application/vnd.ms-powerpoint"), media == "application/x-ole-storage":
		return "office"
	}
	return ""
}

func extFamily(name string) string {
	switch strings.ToLower(path.Ext(cleanForExt(name))) {
	case ".pdf":
		return "pdf"
	case ".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".heic":
		return "image"
	case ".exe", ".scr", ".com", ".dll":
		return "program"
	case ".doc", ".docx", ".odt", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".odp":
		return "office"
	case ".zip", ".rar", ".7z":
		return "archive"
	case ".html", ".htm":
		return "html"
	}
	return ""
}
