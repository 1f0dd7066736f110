<?php
// php install.php <WordPress> <first article>: a site with one article, its owner, and an editor who is us. JSON of what was made.
[, $where, $article] = $argv;
$database = new mysqli('localhost', 'root', '', '', 0, getenv('RIG_SOCKET'));
$database->query('CREATE DATABASE wordpress CHARACTER SET utf8mb4');

define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = parse_url(getenv('RIG_URL'), PHP_URL_HOST);
require "{$where}/wp-load.php";
require ABSPATH . 'wp-admin/includes/upgrade.php';

$owner = wp_install('The Skylark blog', 'owner', 'owner@skylark.test', true, '', wp_generate_password())['user_id'];
wp_update_post(['ID' => 1, 'post_title' => $article, 'post_content' => 'Every train, all day.']);
wp_delete_comment(1, true);  // of WordPress itself
update_option('comment_previously_approved', 0);  // who comments first is shown at once, but for many links
$brand = wp_insert_user([
    'user_login' => 'brand', 'user_pass' => wp_generate_password(), 'user_email' => 'care@skylark.test',
    'display_name' => 'Skylark', 'role' => 'editor',
]);

function key_for($user) {
    return WP_Application_Passwords::create_new_application_password($user, ['name' => 'rig'])[0];
}
echo "\n", json_encode(['brand' => $brand, 'brand_key' => key_for($brand), 'owner_key' => key_for($owner)]);
