; The installer for Windows, for Inno Setup 6.3 or newer. Installs for one person, without administrator's rights.
;
;   iscc /DVersion=0.1.0 packaging\windows\latchkey.iss
;
; Wants the bundle in build\bundle\latchkey and the icon in build\icons (python packaging\bundle\build.py). With
; /Ssign="signtool sign /fd sha256 /tr http://timestamp.example /td sha256 $f" and /DSigned it signs program, installer
; and uninstaller.

#ifndef Version
  #error Name the version: iscc /DVersion=0.1.0
#endif
#define Top SourcePath + "..\.."
#define Bundle Top + "\build\bundle\latchkey"
#ifdef Signed
  #define Sign "sign"
#else
  #define Sign ""
#endif

[Setup]
; Never changed: by it an installer finds the version that is there.
AppId={{7B0B6F0C-9B0E-4C38-8A3E-3B1F5B7F1C52}
AppName=Latchkey
AppVersion={#Version}
AppPublisher=The Latchkey authors
DefaultDirName={autopf}\Latchkey
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
SetupIconFile={#Top}\build\icons\latchkey.ico
UninstallDisplayIcon={app}\latchkey-window.exe
UninstallDisplayName=Latchkey
LicenseFile={#Top}\LICENSE
OutputDir={#Top}\dist
OutputBaseFilename=Latchkey-{#Version}-setup
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern
ChangesAssociations=yes
; A running Latchkey is asked to close, so that chats are saved; it is not ended.
CloseApplications=yes
RestartApplications=no
#ifdef Signed
SignTool=sign
SignedUninstaller=yes
#endif

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"; Flags: unchecked
Name: "associate"; Description: "Open .gguf files with Latchkey"

[InstallDelete]
; Files of the version before, which this one may not have. Chats and models lie elsewhere.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
; The programs first, which are signed; what they load is their makers'.
Source: "{#Bundle}\latchkey.exe"; DestDir: "{app}"; Flags: ignoreversion {#Sign}
Source: "{#Bundle}\latchkey-window.exe"; DestDir: "{app}"; Flags: ignoreversion {#Sign}
Source: "{#Bundle}\*"; DestDir: "{app}"; Excludes: "\latchkey.exe,\latchkey-window.exe"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\Latchkey"; Filename: "{app}\latchkey-window.exe"
Name: "{autodesktop}\Latchkey"; Filename: "{app}\latchkey-window.exe"; Tasks: desktopicon

[Registry]
Root: HKA; Subkey: "Software\Classes\Latchkey.gguf"; ValueType: string; ValueData: "GGUF language model"; Flags: uninsdeletekey; Tasks: associate
Root: HKA; Subkey: "Software\Classes\Latchkey.gguf\DefaultIcon"; ValueType: string; ValueData: "{app}\latchkey-window.exe,0"; Tasks: associate
Root: HKA; Subkey: "Software\Classes\Latchkey.gguf\shell\open\command"; ValueType: string; ValueData: """{app}\latchkey-window.exe"" ""%1"""; Tasks: associate
Root: HKA; Subkey: "Software\Classes\.gguf\OpenWithProgids"; ValueType: string; ValueName: "Latchkey.gguf"; ValueData: ""; Flags: uninsdeletevalue; Tasks: associate
Root: HKA; Subkey: "Software\Microsoft\Windows\CurrentVersion\App Paths\latchkey.exe"; ValueType: string; ValueData: "{app}\latchkey.exe"; Flags: uninsdeletekey

[Run]
Filename: "{app}\latchkey-window.exe"; Description: "{cm:LaunchProgram,Latchkey}"; Flags: nowait postinstall skipifsilent
